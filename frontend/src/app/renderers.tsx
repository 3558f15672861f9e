import { use } from "react";

import type { AnswerEvidence, ChatRenderers } from "../chat/components/renderers.ts";
import { CitedText } from "../citations/CitedText.tsx";
import { copyText } from "../citations/copyText.ts";
import { SourceList } from "../citations/SourceList.tsx";
import { AnswerWith } from "../models/AnswerWith.tsx";
import { Destination } from "../models/Destination.tsx";
import { ModelName } from "../models/ModelName.tsx";
import { ModelPicker } from "../models/ModelPicker.tsx";
import { FollowUpQuestions } from "../sources/FollowUpQuestions.tsx";
import { ScopeName } from "../sources/ScopeName.tsx";
import { ScopePicker } from "../sources/ScopePicker.tsx";
import { SaveAsDocument } from "./SaveAsDocument.tsx";
import { OpenSourceContext } from "./openSource.ts";
import { Welcome } from "./Welcome.tsx";

function AnswerText(props: AnswerEvidence & { readonly text: string; readonly streaming: boolean }) {
  return <CitedText {...props} onOpen={use(OpenSourceContext)} />;
}

function AnswerSources(props: AnswerEvidence) {
  return <SourceList {...props} onOpen={use(OpenSourceContext)} />;
}

/** What the other rooms put into the chat. */
export const CHAT_RENDERERS: ChatRenderers = {
  AnswerText,
  SourceList: AnswerSources,
  ScopePicker,
  ModelPicker,
  ModelName,
  Destination,
  AnswerWith,
  FollowUps: FollowUpQuestions,
  ScopeName,
  Welcome,
  SaveAsDocument,
  copyText,
};
