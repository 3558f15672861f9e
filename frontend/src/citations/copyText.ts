import { t } from "../i18n/i18n.ts";
import { place } from "../ui/format.ts";
import { describeMark, type Evidence } from "./marks.ts";

/** The answer as plain markdown, its numbered sources below. */
export function copyText(text: string, evidence: Evidence): string {
  const lines = evidence.citations.map(({ marker, url }) => {
    const info = describeMark(marker, evidence);
    const where = place({ page: info.page, start_s: info.startS, heading: info.heading });
    const parts = [info.title, where, url ?? ""].filter((part) => part !== "");
    return `[${marker}] ${parts.join(", ")}${info.verdict === "verified" ? "" : ` ${t("citations:copied.notVerified")}`}`;
  });
  return lines.length === 0 ? text : `${text.trimEnd()}\n\n${t("citations:copied.sources")}\n${lines.join("\n")}\n`;
}
