import { createContext, use } from "react";

import type { ChatSession } from "../session/ChatSession.ts";
import type { Connection } from "../state/chatState.ts";
import type { ChatRenderers } from "./renderers.ts";

/** What every part of one conversation uses; the same objects for as long as it is on screen. */
export interface Chat {
  readonly session: ChatSession;
  readonly renderers: ChatRenderers;
  readonly onAsk: (question: string) => void;
  readonly onSignIn: () => void;
}

export const ChatContext = createContext<Chat | null>(null);

/** Apart from `ChatContext`: it changes during an answer, and only the running one shows it. */
export const ConnectionContext = createContext<Connection | null>(null);

export function useChat(): Chat {
  const chat = use(ChatContext);
  if (chat === null) throw new Error("used outside of a conversation");
  return chat;
}
