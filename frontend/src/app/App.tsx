import { QueryClient, QueryClientProvider, useQueryClient } from "@tanstack/react-query";
import { useCallback, useState } from "react";

import { ChatInterface } from "../chat/components/ChatInterface.tsx";
import { useRefreshConversations } from "../history/useConversations.ts";
import type { PlaceInSource } from "../protocol/api.ts";
import { randomId } from "../protocol/ids.ts";
import { SourcePanel } from "../sources/SourcePanel.tsx";
import { Uploads } from "../sources/Uploads.ts";
import { UploadTray } from "../sources/UploadTray.tsx";
import { AddFilesContext } from "./addFiles.ts";
import { ErrorBoundary } from "./ErrorBoundary.tsx";
import { Layout } from "./Layout.tsx";
import { OpenSourceContext } from "./openSource.ts";
import { conversationIn, navigate, usePathname } from "./route.ts";
import { Sidebar } from "./Sidebar.tsx";
import { CHAT_SLOTS } from "./slots.tsx";
import { useSignIn } from "./useSignIn.tsx";

const queries = new QueryClient({ defaultOptions: { queries: { staleTime: 30_000 } } });

export function App() {
  return (
    <QueryClientProvider client={queries}>
      <Page />
    </QueryClientProvider>
  );
}

function Page() {
  const addressed = conversationIn(usePathname());
  // The next conversation has its id before it has a question, so that asking changes no component.
  const [draftId, setDraftId] = useState(randomId);
  const [opened, setOpened] = useState<{ in: string; place: PlaceInSource } | null>(null);
  const refresh = useRefreshConversations();
  const library = useQueryClient();
  const [uploads] = useState(
    () => new Uploads(() => void library.invalidateQueries({ queryKey: ["sources"] })),
  );
  const sessionId = addressed ?? draftId;
  const signIn = useSignIn(addressed === null);
  const startNew = (): void => {
    setDraftId(randomId());
    navigate(null);
  };
  const onActivity = (): void => {
    // A new conversation gets its address when its first run begins, if it is still on screen.
    if (conversationIn(window.location.pathname) === null) navigate(draftId, "replace");
    refresh();
  };
  const open = useCallback(
    (place: PlaceInSource) => {
      setOpened({ in: sessionId, place });
    },
    [sessionId],
  );
  const close = useCallback(() => {
    setOpened(null);
  }, []);
  // A source belongs to the conversation that cites it.
  const place = opened?.in === sessionId ? opened.place : null;
  return (
    <AddFilesContext value={uploads.add}>
      <OpenSourceContext value={open}>
        <Layout
          sidebar={(fold) => <Sidebar currentId={addressed} onNew={startNew} onDone={fold} />}
          panel={place === null ? null : <SourcePanel place={place} onClose={close} />}
        >
          <ErrorBoundary key={sessionId}>
            <ChatInterface
              sessionId={sessionId}
              isNew={sessionId === draftId}
              slots={CHAT_SLOTS}
              onActivity={onActivity}
              onSignIn={signIn.open}
            />
          </ErrorBoundary>
        </Layout>
        <UploadTray uploads={uploads} />
        {signIn.dialog}
      </OpenSourceContext>
    </AddFilesContext>
  );
}
