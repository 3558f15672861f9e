import { createContext } from "react";

/** Brings files into the library. */
export const AddFilesContext = createContext<(files: readonly File[]) => Promise<void>>(() =>
  Promise.resolve(),
);
