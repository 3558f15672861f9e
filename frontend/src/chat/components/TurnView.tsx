import { memo } from "react";

import type { ChatSession } from "../ChatSession.ts";
import type { StopOutcome } from "../chatState.ts";
import type { Connection } from "../RunFollower.ts";
import type { ChatSlots } from "../slots.ts";
import type { Turn } from "../turns.ts";
import { AnswerView } from "./AnswerView.tsx";

interface Props {
  readonly turn: Turn;
  readonly isLast: boolean;
  readonly session: ChatSession;
  readonly slots: ChatSlots;
  readonly connection: Connection | null;
  readonly stop: { readonly key: string; readonly outcome: StopOutcome } | null;
}

/** A question and the answer on screen. Memoised: only the running turn draws again. */
export const TurnView = memo(function TurnView({ turn, stop, ...rest }: Props) {
  const answer = turn.answers[turn.shown];
  return (
    <section className="turn" aria-label={`Question: ${turn.question}`}>
      <h2 className="question">{turn.question}</h2>
      {answer === undefined ? null : (
        <AnswerView
          turn={turn}
          answer={answer}
          stop={stop?.key === answer.key ? stop.outcome : null}
          {...rest}
        />
      )}
    </section>
  );
});
