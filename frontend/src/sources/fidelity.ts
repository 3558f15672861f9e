import { t } from "../i18n/i18n.ts";
import type { FidelityNote } from "../protocol/jobs.gen.ts";
import { number } from "../ui/format.ts";

const KINDS = [
  "attachments",
  "damaged_pages",
  "damaged_sheets",
  "doubtful_encoding",
  "embedded_files",
  "encrypted_messages",
  "formulas_without_values",
  "hidden_sheets",
  "pages_without_text",
  "pictures",
  "unreadable_chapters",
  "unreadable_pages",
  "unreadable_parts",
] as const;

/**
 * `3 of 22 pages have no text; 2 pictures`: what of a file is not in its text. Empty for no notes,
 * and for a source of a server that sends none yet.
 */
export function fidelityText(notes: readonly FidelityNote[] | null | undefined): string {
  return notes?.map(noteText).join("; ") ?? "";
}

function noteText({ kind, count, total, detail }: FidelityNote): string {
  const known = KINDS.find((one) => one === kind);
  if (known === "doubtful_encoding" && detail != null) {
    return t("sources:fidelity.readAs", { encoding: detail });
  }
  if (known === undefined) return `${number(count)} ${kind.replaceAll("_", " ")}`;
  return total === null || total < 2
    ? t(`sources:fidelity.all.${known}`, { count })
    : t(`sources:fidelity.of.${known}`, { count, total });
}
