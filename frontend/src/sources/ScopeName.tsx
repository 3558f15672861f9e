import { useTranslation } from "react-i18next";

import type { Filters } from "../protocol/events.gen.ts";
import { scopeLabel } from "./scope.ts";
import { useSources } from "./useSources.ts";

/** What was searched, in a few words. */
export function ScopeName({ filters }: { readonly filters: Filters }) {
  useTranslation("sources"); // drawn again in another language
  const { data } = useSources();
  return <b dir="auto">{scopeLabel(filters, data?.items ?? [])}</b>;
}
