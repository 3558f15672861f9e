import { useState } from "react";

import { useT } from "../../i18n/useLanguage.ts";
import { Button } from "../../ui/Button.tsx";
import { Icon } from "../../ui/Icon.tsx";
import { Popover } from "../../ui/Popover.tsx";
import type { Answer } from "../state/answerReducer.ts";
import { useChat } from "./chatContext.ts";
import { iconButtonClass } from "../../ui/buttonClass.ts";
import field from "../../ui/field.module.css";
import styles from "./FeedbackButtons.module.css";

interface Props {
  readonly answer: Answer;
}

const RATINGS = {
  up: { icon: "thumbUp", label: "chat:feedback.good", ask: "chat:feedback.commentGood" },
  down: { icon: "thumbDown", label: "chat:feedback.bad", ask: "chat:feedback.comment" },
} as const;

/** Two thumbs; pressing one stores it at once, and asks why. */
export function FeedbackButtons(props: Props) {
  return (
    <>
      <Thumb {...props} rating="up" />
      <Thumb {...props} rating="down" />
    </>
  );
}

function Thumb({ answer, rating }: Props & { readonly rating: "up" | "down" }) {
  const { session } = useChat();
  const t = useT();
  const [isOpen, setOpen] = useState(false);
  const [isFailed, setFailed] = useState(false);
  const { icon, label, ask } = RATINGS[rating];
  const given = answer.feedback?.rating === rating ? answer.feedback : null;
  const isGiven = given !== null;
  const give = (said: string | null): void => {
    const feedback = said === null ? null : { rating, comment: said };
    void session.giveFeedback(answer.key, feedback).then((isStored) => {
      setFailed(!isStored);
    });
  };
  return (
    <Popover
      side="above"
      label={t(label)}
      open={isOpen}
      onOpenChange={(open) => {
        setOpen(open);
        if (open && !isGiven) give("");
      }}
      button={
        <button
          type="button"
          className={iconButtonClass("quiet", styles.thumb)}
          aria-pressed={isGiven}
          title={t(label)}
        />
      }
      trigger={<Icon name={icon} />}
    >
      <form
        className={styles.form}
        onSubmit={(event) => {
          event.preventDefault();
          const said = new FormData(event.currentTarget).get("comment");
          give(typeof said === "string" ? said.trim() : "");
          setOpen(false);
        }}
      >
        <p role="status">{t(isFailed ? "chat:feedback.failed" : "chat:feedback.thanks")}</p>
        <textarea
          name="comment"
          className={field.field}
          rows={3}
          maxLength={2_000}
          dir="auto"
          aria-label={t(ask)}
          placeholder={t(ask)}
          defaultValue={given?.comment ?? ""}
        />
        <div className={styles.actions}>
          <Button
            variant="quiet"
            onClick={() => {
              give(null);
              setOpen(false);
            }}
          >
            {t("chat:feedback.takeBack")}
          </Button>
          <Button variant="primary" type="submit">
            {t("chat:feedback.send")}
          </Button>
        </div>
      </form>
    </Popover>
  );
}
