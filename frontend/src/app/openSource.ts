import { createContext } from "react";

import type { PlaceInSource } from "../protocol/api.ts";

/** Opens a source beside the conversation. */
export const OpenSourceContext = createContext<(place: PlaceInSource) => void>(() => undefined);
