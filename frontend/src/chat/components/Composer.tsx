import { useEffect, useLayoutEffect, useRef, type KeyboardEvent, type ReactNode } from "react";

import { useT } from "../../i18n/useLanguage.ts";
import { Button, IconButton } from "../../ui/Button.tsx";
import { usePreference } from "../../ui/preference.ts";
import { ENTER } from "../../ui/preferences.ts";
import type { ChatRenderers } from "./renderers.ts";
import { useDraft, type Edit } from "./useDraft.ts";
import { cx } from "../../ui/cx.ts";
import note from "../../ui/note.module.css";
import styles from "./Composer.module.css";

/** Characters a question may have; the server counts code points, too. */
export const MAX_LENGTH = 8_000;

interface Props {
  /** Under what the unsent text is kept. */
  readonly draftKey: string;
  readonly isBusy: boolean;
  /** A question given back; it fills an empty composer once. */
  readonly returnedQuestion: string | null;
  readonly edited: Edit | null;
  readonly lastQuestion: string | null;
  readonly onSend: (question: string) => void;
  readonly onStop: () => void;
  readonly SaveAsDocument: ChatRenderers["SaveAsDocument"];
  readonly children: ReactNode;
}

/** Where questions are written. Enter sends, Shift+Enter breaks the line, ↑ edits the last one. */
export function Composer(props: Props) {
  const { draftKey, isBusy, returnedQuestion, edited, lastQuestion, onSend, onStop, SaveAsDocument } = props;
  const t = useT();
  const [enter] = usePreference(ENTER);
  const draft = useDraft(draftKey, returnedQuestion, edited);
  const field = useGrowingField(draft.text, edited);
  const length = characters(draft.text);
  const isSendable = draft.text.trim() !== "" && length <= MAX_LENGTH;
  const send = (): void => {
    if (!isSendable) return;
    onSend(draft.text);
    draft.end();
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.nativeEvent.isComposing) return; // the Enter of an input method
    if (event.key === "Enter" && sends(event, enter)) {
      event.preventDefault();
      send();
    } else if (event.key === "ArrowUp" && draft.text === "" && lastQuestion !== null) {
      event.preventDefault();
      draft.edit(lastQuestion);
    } else if (event.key === "Escape" && draft.isEdit) {
      event.preventDefault();
      draft.end();
    }
  };
  return (
    <form
      className={styles.composer}
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      {draft.isEdit ? <EditNote onCancel={draft.end} /> : null}
      <textarea
        ref={field}
        rows={1}
        dir="auto"
        value={draft.text}
        aria-label={t("chat:composer.label")}
        aria-invalid={length > MAX_LENGTH}
        placeholder={t(isBusy ? "chat:composer.askNext" : "chat:composer.ask")}
        onChange={(event) => {
          draft.change(event.target.value);
        }}
        onKeyDown={onKeyDown}
      />
      {length > MAX_LENGTH ? (
        <div className={cx(note.note, note.warning)} role="alert">
          <span>{t("chat:composer.tooLong", { length, most: MAX_LENGTH })}</span>
          <SaveAsDocument text={draft.text} onSaved={draft.end} />
        </div>
      ) : null}
      <div className={styles.row}>
        {props.children}
        <span className={styles.spacer} />
        <SendOrStop {...{ isBusy, isSendable, onStop }} sendsBy={enter} />
      </div>
    </form>
  );
}

function EditNote({ onCancel }: { readonly onCancel: () => void }) {
  const t = useT();
  return (
    <p className={styles.editing}>
      <span>{t("chat:composer.editing")}</span>
      <Button variant="quiet" icon="close" onClick={onCancel}>
        {t("chat:composer.cancelEdit")}
      </Button>
    </p>
  );
}

interface SendProps extends Pick<Props, "isBusy" | "onStop"> {
  readonly isSendable: boolean;
  readonly sendsBy: "sends" | "breaks";
}

function SendOrStop({ isBusy, isSendable, sendsBy, onStop }: SendProps) {
  const t = useT();
  // Two buttons with keys: one that became the other while it is clicked would send.
  return isBusy ? (
    <IconButton
      key="stop"
      icon="stop"
      label={t("chat:composer.stop")}
      variant="primary"
      className={styles.stopButton}
      onClick={onStop}
    />
  ) : (
    <IconButton
      key="send"
      icon="send"
      type="submit"
      label={t(sendsBy === "sends" ? "chat:composer.send" : "chat:composer.sendCtrl")}
      variant="primary"
      className={styles.sendButton}
      disabled={!isSendable}
    />
  );
}

function sends(event: KeyboardEvent, enter: "sends" | "breaks"): boolean {
  if (event.ctrlKey || event.metaKey) return true;
  return enter === "sends" && !event.shiftKey;
}

/** Code points: people count an emoji as one character. */
function characters(text: string): number {
  return text.length - (text.match(/[\uD800-\uDBFF][\uDC00-\uDFFF]/g)?.length ?? 0);
}

/** The field is as high as its text, and ready to write where there is a keyboard to write with. */
function useGrowingField(text: string, edited: Edit | null) {
  const field = useRef<HTMLTextAreaElement>(null);
  useLayoutEffect(() => {
    const area = field.current;
    if (area === null) return;
    area.style.height = "auto";
    area.style.height = `${area.scrollHeight}px`;
  }, [text]);
  useEffect(() => {
    if (window.matchMedia("(pointer: fine)").matches) field.current?.focus({ preventScroll: true });
  }, []);
  useEffect(() => {
    if (edited !== null) field.current?.focus();
  }, [edited]);
  return field;
}
