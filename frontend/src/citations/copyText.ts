import { t } from "../i18n/i18n.ts";
import { place } from "../ui/format.ts";
import { numberMarks, withNumbers } from "./markNumbers.ts";
import { describeMark, type Evidence } from "./marks.ts";

/** The answer as plain markdown, its numbered sources below. */
export function copyText(text: string, evidence: Evidence): string {
  const cited = evidence.citations.filter(({ passage_id: passage }) => passage !== null);
  const numbers = numberMarks(text, evidence);
  const lines = cited.map(({ marker, url }, index) => {
    const info = describeMark(marker, evidence);
    const where = place({ page: info.page, start_s: info.startS, heading: info.heading });
    const parts = [info.title, where, url ?? ""].filter((part) => part !== "");
    const isSure = info.verdict === "verified" || info.verdict === "quoted";
    return `[${numbers.get(marker) ?? index + 1}] ${parts.join(", ")}${isSure ? "" : ` ${t("citations:copied.notVerified")}`}`;
  });
  const shown = withNumbers(text, numbers);
  return lines.length === 0 ? shown : `${shown.trimEnd()}\n\n${t("citations:copied.sources")}\n${lines.join("\n")}\n`;
}
