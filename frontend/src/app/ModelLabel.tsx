import { useQuery } from "@tanstack/react-query";
import { Trans } from "react-i18next";

import { useT } from "../i18n/useLanguage.ts";
import type { ModelInfo } from "../protocol/api.ts";
import { useModels } from "../models/useModels.ts";
import { api } from "../protocol/client.ts";
import { Popover } from "../ui/Popover.tsx";
import { cx } from "../ui/cx.ts";
import chip from "../ui/chip.module.css";
import styles from "./ModelLabel.module.css";

// QUICKSTART.md says the same lines; a test compares them.
const CONNECT = [
  ["OpenAI", "OPENAI_API_KEY=…\nLLM_MODEL=gpt-4.1-mini"],
  ["Ollama", "OPENAI_BASE_URL=http://localhost:11434/v1\nLLM_MODEL=llama3.2"],
  ["Databricks", "DATABRICKS_HOST=https://…\nDATABRICKS_TOKEN=…"],
] as const;

export const READINESS = ["readiness"];

/** How soon to ask again whether the model can be reached; there is none in quoting mode. */
function interval(model: ModelInfo | undefined): number | false {
  if (!model?.sends_to) return false;
  return model.reachable === true ? 60_000 : 15_000;
}

/** Who answers and where passages are sent; opens how to connect another model. */
export function ModelLabel() {
  const t = useT();
  const { data } = useQuery({
    queryKey: READINESS,
    queryFn: () => api.readiness(),
    // Known on the server by then; a page that is looked at again asks at once.
    staleTime: 0,
    refetchInterval: ({ state }) => interval(state.data?.model),
  });
  const model = data?.model;
  const { data: models } = useModels();
  if (model === undefined) return null;
  const isQuoting = model.provider === "extractive";
  // With several, the composer says which one is chosen, and where passages go.
  if ((models?.total ?? 0) > (isQuoting ? 1 : 2)) return null;
  const isUnreachable = model.reachable === false;
  const label = isQuoting ? t("app:model.quotingLabel") : model.label;
  return (
    <Popover
      side="below"
      buttonClass={isUnreachable ? cx(chip.chip, styles.label, styles.unreachable) : cx(chip.chip, styles.label)}
      trigger={
        <span className={chip.label}>{isUnreachable ? t("app:model.awayLabel", { name: model.name }) : label}</span>
      }
    >
      <div className={styles.details}>
        {isUnreachable ? (
          <p role="status">{t("app:model.away", { host: model.sends_to, reason: model.reason })}</p>
        ) : null}
        <p>
          {isQuoting
            ? t("app:model.quoting")
            : t("app:model.writes", { name: model.name })}
        </p>
        {model.sends_to === null ? null : (
          <p>
            <Trans
              i18nKey="app:model.sends"
              values={{ host: model.sends_to }}
              components={{ b: <b /> }}
            />
          </p>
        )}
        {isQuoting ? (
          <>
            <p>{t("app:model.connect")}</p>
            {CONNECT.map(([name, lines]) => (
              <div key={name}>
                <b>{name}</b>
                <pre>{lines}</pre>
              </div>
            ))}
          </>
        ) : null}
      </div>
    </Popover>
  );
}
