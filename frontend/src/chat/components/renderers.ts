import type { ComponentType } from "react";

import type { Citation, Filters, MarkedPassage } from "../../protocol/events.gen.ts";

/** What an answer stands on, for the parts of the page that show it. */
export interface AnswerEvidence {
  readonly passages: readonly MarkedPassage[];
  readonly citations: readonly Citation[];
  readonly hasVerdicts: boolean;
  /** Whether the answer is made of quotes. */
  readonly isQuoted: boolean;
}

/** Parts of the chat that other rooms draw; the app puts them together. */
export interface ChatRenderers {
  readonly AnswerText: ComponentType<AnswerEvidence & { text: string; streaming: boolean }>;
  readonly SourceList: ComponentType<AnswerEvidence>;
  readonly ScopePicker: ComponentType<{ filters: Filters; onChange: (filters: Filters) => void }>;
  readonly ModelPicker: ComponentType<{
    chosen: string | null;
    isNew: boolean;
    onChange: (name: string) => void;
    onForget: () => void;
  }>;
  /** What people call the model of an answer. */
  readonly ModelName: ComponentType<{ name: string | null }>;
  /** Where passages go. */
  readonly Destination: ComponentType<{ chosen: string | null }>;
  /** The other models, to answer a question again. */
  readonly AnswerWith: ComponentType<{
    except: string | null;
    hasFailed: boolean;
    onPick: (name: string) => void;
  }>;
  /** What could be asked after an answer. */
  readonly FollowUps: ComponentType<{
    sessionId: string;
    messageId: string;
    onAsk: (question: string) => void;
  }>;
  readonly ScopeName: ComponentType<{ filters: Filters }>;
  readonly Welcome: ComponentType<{ onAsk: (question: string) => void }>;
  /** Offers another place for a text that is too long to be asked. */
  readonly SaveAsDocument: ComponentType<{ text: string; onSaved: () => void }>;
  readonly copyText: (text: string, evidence: AnswerEvidence) => string;
}
