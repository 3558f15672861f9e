import { useQuery } from "@tanstack/react-query";
import { Trans, useTranslation } from "react-i18next";

import { api } from "../protocol/client.ts";
import { Popover } from "../ui/Popover.tsx";

const CONNECT = [
  ["OpenAI", "OPENAI_API_KEY=…\nLLM_MODEL=gpt-4.1-mini"],
  ["Ollama", "OPENAI_API_KEY=ollama\nOPENAI_BASE_URL=http://localhost:11434/v1\nLLM_MODEL=llama3.2"],
  ["Databricks", "DATABRICKS_HOST=https://…\nDATABRICKS_TOKEN=…"],
] as const;

/** Who answers and where passages are sent; opens how to connect another model. */
export function ModelLabel() {
  const { t } = useTranslation("app");
  const { data } = useQuery({ queryKey: ["readiness"], queryFn: () => api.readiness() });
  const model = data?.model;
  if (model === undefined) return null;
  const isQuoting = model.provider === "extractive";
  return (
    <Popover side="below" buttonClass="chip model-label" trigger={<span className="chip-text">{isQuoting ? t("model.quotingLabel") : model.label}</span>}>
      <div className="model-info">
        <p>
          {isQuoting
            ? t("model.quoting")
            : t("model.writes", { name: model.name })}
        </p>
        {model.sends_to === null ? null : (
          <p>
            <Trans
              t={t}
              i18nKey="model.sends"
              values={{ host: model.sends_to }}
              components={{ b: <b /> }}
            />
          </p>
        )}
        {isQuoting ? (
          <>
            <p>{t("model.connect")}</p>
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
