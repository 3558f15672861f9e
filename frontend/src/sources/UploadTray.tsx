import { useEffect, useSyncExternalStore } from "react";

import { t } from "../i18n/i18n.ts";
import { useT } from "../i18n/useLanguage.ts";
import { cx } from "../ui/cx.ts";
import { Button, IconButton } from "../ui/Button.tsx";
import { fidelityText } from "./fidelity.ts";
import { SuggestedQuestions } from "./SuggestedQuestions.tsx";
import { progressOf, type UploadItem } from "./uploadItems.ts";
import type { Uploads } from "./Uploads.ts";
import { useFileDrop } from "./useFileDrop.ts";
import text from "../ui/text.module.css";
import styles from "./UploadTray.module.css";

interface Props {
  readonly uploads: Uploads;
  readonly onAsk: (question: string) => void;
}

/** Takes files dropped anywhere, shows how far each of them is, and what to ask it. */
export function UploadTray({ uploads, onAsk }: Props) {
  const t = useT();
  const items = useSyncExternalStore(uploads.subscribe, uploads.getSnapshot);
  const isOver = useFileDrop(uploads.add);
  const isBusy = items.some(({ state }) => state === "working");
  useWarning(items.some(({ step, state }) => state === "working" && isHere(step)));
  return (
    <>
      {isOver ? <div className={styles.dropOverlay}>{t("sources:upload.drop")}</div> : null}
      {items.length === 0 ? null : (
        <section className={styles.tray} aria-label={t("sources:upload.name")}>
          <header className={styles.header}>
            <h2>{heading(items)}</h2>
            {isBusy ? null : (
              <IconButton
                icon="close"
                label={t("sources:upload.close")}
                onClick={() => {
                  uploads.clear();
                }}
              />
            )}
          </header>
          <ul>
            {items.map((item) => (
              <Item
                key={item.key}
                item={item}
                uploads={uploads}
                onAsk={(question) => {
                  uploads.clear(); // on a phone it would lie over the answer
                  onAsk(question);
                }}
              />
            ))}
          </ul>
        </section>
      )}
    </>
  );
}

interface ItemProps extends Props {
  readonly item: UploadItem;
}

function Item({ item, uploads, onAsk }: ItemProps) {
  const t = useT();
  const { key, name, state, end, canRetry } = item;
  const missing = fidelityText(end?.notes);
  return (
    <li data-state={state} className={cx(styles.item, styles[state])}>
      <b className={styles.name}>
        <bdi>{name}</bdi>
      </b>
      {state === "working" ? (
        <progress aria-label={t("sources:upload.progress", { name })} max={1} value={progressOf(item)} />
      ) : null}
      <span role="status">{textOf(item)}</span>
      {missing === "" ? null : <small className={text.secondary}>{missing}</small>}
      {state === "failed" ? (
        <span className={styles.actions}>
          {canRetry ? (
            <Button
              variant="outlined"
              icon="redo"
              onClick={() => {
                uploads.retry(key);
              }}
            >
              {t("sources:upload.again")}
            </Button>
          ) : null}
          <Button
            onClick={() => {
              uploads.clear(key);
            }}
          >
            {t("sources:upload.remove")}
          </Button>
        </span>
      ) : null}
      {state === "ready" && typeof end?.source_id === "string" ? (
        <SuggestedQuestions sourceId={end.source_id} onAsk={onAsk} />
      ) : null}
    </li>
  );
}

function heading(items: readonly UploadItem[]): string {
  const left = items.filter(({ state }) => state === "working").length;
  if (left > 0) return t("sources:upload.left", { count: left });
  const failures = items.filter(({ state }) => state === "failed").length;
  return failures === 0 ? t("sources:upload.done") : t("sources:upload.failures", { count: failures });
}

function textOf({ state, step, done, total, end, why }: UploadItem): string {
  if (state === "failed") {
    return typeof why === "object" && why !== null ? why.said : t(`sources:upload.why.${why ?? "unknown"}`);
  }
  if (state === "working" || end === null) {
    return t(`sources:upload.step.${step}`, { done, count: total });
  }
  if (end.status === "unchanged") {
    return end.same_as === null ? t("sources:upload.same") : t("sources:upload.sameAs", { name: end.same_as });
  }
  const alike = end.similar[0];
  const left = end.message === null ? "" : ` ${end.message}`; // what in it could not be read
  const ready = t("sources:upload.ready", { count: end.passages }) + left;
  return alike === undefined ? ready : `${ready} ${t("sources:upload.alike", { title: alike.title })}`;
}

/** Not yet with the server: it would be lost with the page. */
function isHere(step: UploadItem["step"]): boolean {
  return step === "waiting" || step === "sending";
}

/** The browser asks before it leaves a page whose files have not been sent. */
function useWarning(isNeeded: boolean): void {
  useEffect(() => {
    if (!isNeeded) return undefined;
    const warn = (event: Event): void => {
      event.preventDefault();
    };
    window.addEventListener("beforeunload", warn);
    return () => {
      window.removeEventListener("beforeunload", warn);
    };
  }, [isNeeded]);
}
