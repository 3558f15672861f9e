import { useT } from "../i18n/useLanguage.ts";
import { useChosenModel } from "./useModels.ts";
import styles from "./ModelPicker.module.css";

/** Where the next question's passages go. */
export function Destination({ chosen }: { readonly chosen: string | null }) {
  const t = useT();
  const { model, list } = useChosenModel(chosen);
  if (model === null || list === undefined) return null;
  const hosts = list.search_sends_to;
  const parts: string[] = [];
  if (model.sends_to !== null) parts.push(t("models:destination.passages", { host: model.sends_to }));
  if (hosts.length > 0) parts.push(t("models:destination.search", { hosts: hosts.join(", ") }));
  return (
    <p className={styles.destination}>
      {parts.length === 0 ? t("models:destination.nothing") : parts.join(". ")}
    </p>
  );
}
