import { useLayoutEffect, useRef, useState, type KeyboardEvent, type ReactNode } from "react";

import { IconButton } from "../../ui/Button.tsx";

const LONGEST = 8_000;

interface Props {
  readonly isBusy: boolean;
  /** A question given back; it fills an empty composer once. */
  readonly returned: string | null;
  readonly lastQuestion: string | null;
  readonly onSend: (question: string) => void;
  readonly onStop: () => void;
  readonly children: ReactNode;
}

/** Where questions are written. Enter sends, Shift+Enter breaks the line, ↑ edits the last one. */
export function Composer({ isBusy, returned, lastQuestion, onSend, onStop, children }: Props) {
  const [draft, setDraft] = useDraft(returned);
  const field = useRef<HTMLTextAreaElement>(null);
  useLayoutEffect(() => {
    const area = field.current;
    if (area === null) return;
    area.style.height = "auto";
    area.style.height = `${area.scrollHeight}px`;
  }, [draft]);
  const send = (): void => {
    if (draft.trim() === "") return;
    onSend(draft);
    setDraft("");
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.nativeEvent.isComposing) return; // the Enter of an input method
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      send();
    } else if (event.key === "ArrowUp" && draft === "" && lastQuestion !== null) {
      event.preventDefault();
      setDraft(lastQuestion);
    }
  };
  const isSendable = draft.trim() !== "";
  return (
    <form
      className="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <textarea
        ref={field}
        rows={1}
        value={draft}
        maxLength={LONGEST}
        aria-label="Your question"
        placeholder={isBusy ? "Ask the next question…" : "Ask your documents and recordings…"}
        onChange={(event) => {
          setDraft(event.target.value);
        }}
        onKeyDown={onKeyDown}
      />
      <div className="composer-row">
        {children}
        <span className="composer-gap" />
        {isBusy ? (
          <IconButton
            icon="stop"
            label="Stop (Esc)"
            look="primary"
            className="stop-button"
            onClick={onStop}
          />
        ) : (
          <IconButton
            icon="send"
            label="Send (Enter)"
            look="primary"
            className="send-button"
            disabled={!isSendable}
            onClick={send}
          />
        )}
      </div>
    </form>
  );
}

/** The text being written; a question given back goes in when nothing is lost by it. */
function useDraft(returned: string | null) {
  const [draft, setDraft] = useState("");
  const [seen, setSeen] = useState<string | null>(null);
  if (returned !== seen) {
    setSeen(returned);
    if (returned !== null && draft === "") setDraft(returned);
  }
  return [draft, setDraft] as const;
}
