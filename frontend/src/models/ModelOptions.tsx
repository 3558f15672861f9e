import { useId, useState } from "react";

import { useT } from "../i18n/useLanguage.ts";
import type { OfferedModel } from "../protocol/api.ts";
import { cx } from "../ui/cx.ts";
import { detailsOf, labelOf } from "./modelText.ts";
import { useModels } from "./useModels.ts";
import field from "../ui/field.module.css";
import text from "../ui/text.module.css";
import styles from "./ModelOptions.module.css";

interface Props {
  /** The chosen one, or the one that is left out. */
  readonly current: string | null;
  /** `choice`: one of them holds; `action`: each does something. */
  readonly as: "choice" | "action";
  readonly onPick: (name: string) => void;
}

const SEARCH_FROM = 8;

/** The models on offer, searched when there are many. */
export function ModelOptions({ current, as, onPick }: Props) {
  const t = useT();
  const [search, setSearch] = useState("");
  const all = useModels().data;
  const shown = useModels(search.trim()).data ?? all;
  if (all === undefined || shown === undefined) return null;
  const items = as === "choice" ? shown.items : shown.items.filter(({ name }) => name !== current);
  const more = shown.total - shown.items.length;
  return (
    <div className={styles.menu} role="group" aria-label={t("models:list")}>
      {all.total > SEARCH_FROM ? (
        <input
          type="search"
          className={field.field}
          maxLength={200}
          placeholder={t("models:find")}
          aria-label={t("models:find")}
          value={search}
          onChange={(event) => {
            setSearch(event.target.value);
          }}
        />
      ) : null}
      {items.map((model) => (
        <Option
          key={model.name}
          {...{ model, as }}
          isOn={model.name === current}
          onPick={() => {
            onPick(model.name);
          }}
        />
      ))}
      {items.length === 0 ? <p className={text.secondary}>{t("models:none")}</p> : null}
      {more > 0 ? <p className={text.secondary}>{t("models:more", { count: more })}</p> : null}
      {all.searching ? (
        <p className={text.secondary} role="status">
          {t("models:searching")}
        </p>
      ) : null}
    </div>
  );
}

interface OptionProps extends Pick<Props, "as"> {
  readonly model: OfferedModel;
  readonly isOn: boolean;
  readonly onPick: () => void;
}

function Option({ model, as, isOn, onPick }: OptionProps) {
  const id = useId();
  const content = (
    <span className={styles.lines}>
      <bdi className={styles.name}>{labelOf(model)}</bdi>
      <span id={id} className={cx(text.secondary, model.reachable === false && styles.away)}>
        {detailsOf(model)}
      </span>
    </span>
  );
  return as === "choice" ? (
    <label className={styles.option}>
      <input type="radio" name="model" checked={isOn} onChange={onPick} />
      {content}
    </label>
  ) : (
    <button type="button" className={styles.option} onClick={onPick}>
      {content}
    </button>
  );
}
