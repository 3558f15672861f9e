import { t } from "../i18n/i18n.ts";
import type { OfferedModel } from "../protocol/api.ts";

export const QUOTING = "extractive";

export function labelOf(model: OfferedModel): string {
  return model.name === QUOTING ? t("models:quoting") : model.label;
}

/** Where it is, what it takes in, what it costs, and whether it answers. */
export function detailsOf(model: OfferedModel): string {
  const { sends_to: host, context_window: tokens, input_price: input, output_price: output } = model;
  const parts: string[] = [];
  if (model.reachable === false) parts.push(t("models:away"));
  if (host === null) parts.push(t("models:destination.nothing"));
  else parts.push(model.found ? t("models:found", { host }) : host);
  if (tokens !== null) parts.push(t("models:window", { tokens }));
  if (input !== null && output !== null) parts.push(t("models:price", { input, output }));
  return parts.join(" · ");
}
