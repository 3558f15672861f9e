import { useT } from "../i18n/useLanguage.ts";
import type { Filters } from "../protocol/events.gen.ts";
import { useScopeLabel } from "./useSources.ts";

/** What was searched, in a few words. */
export function ScopeName({ filters }: { readonly filters: Filters }) {
  useT(); // drawn again in another language
  return <b dir="auto">{useScopeLabel(filters)}</b>;
}
