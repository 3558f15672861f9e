import { QueryClientProvider, useQueryClient } from "@tanstack/react-query";
import { lazy, Suspense, useCallback, useState } from "react";

import { ChatInterface } from "../chat/components/ChatInterface.tsx";
import type { Start } from "../chat/session/useStreamingChat.ts";
import { useRefreshConversations } from "../history/useConversations.ts";
import { INGEST_PROGRESS } from "../library/useIngestProgress.ts";
import type { PlaceInSource } from "../protocol/api.ts";
import { randomId } from "../protocol/ids.ts";
import { SourcePanel } from "../sources/SourcePanel.tsx";
import { Uploads } from "../sources/Uploads.ts";
import { UploadTray } from "../sources/UploadTray.tsx";
import { usePreloadSourceContent } from "../sources/useSourceContent.ts";
import { AddFilesContext } from "./addFiles.ts";
import { ErrorBoundary } from "./ErrorBoundary.tsx";
import { Layout } from "./Layout.tsx";
import { READINESS } from "./ModelLabel.tsx";
import { NotFound } from "./NotFound.tsx";
import { OpenSourceContext } from "./openSource.ts";
import { newQueries } from "./queries.ts";
import {
  conversationIn,
  currentPath,
  isKnown,
  isLibrary,
  LIBRARY,
  navigate,
  placeIn,
  usePathname,
} from "./route.ts";
import { Sidebar } from "./Sidebar.tsx";
import { CHAT_RENDERERS } from "./renderers.tsx";
import { usePageTitle } from "./usePageTitle.ts";
import { useSignIn } from "../auth/useSignIn.tsx";

// Loaded on demand: a conversation does not need it.
const LibraryPage = lazy(async () => ({ default: (await import("../library/LibraryPage.tsx")).LibraryPage }));

const queries = newQueries();

export function App() {
  return (
    <QueryClientProvider client={queries}>
      <Page />
    </QueryClientProvider>
  );
}

interface Opened {
  readonly in: string;
  readonly place: PlaceInSource;
}

/** A link into the library may name a place in a source. */
function openedByLink(): Opened | null {
  const place = isLibrary(currentPath()) ? placeIn(window.location.search) : null;
  return place && { in: LIBRARY, place };
}

/** Files on their way into the library; what is listed of it follows. */
function useUploads(): Uploads {
  const library = useQueryClient();
  const [uploads] = useState(
    () =>
      new Uploads(() => {
        void library.invalidateQueries({ queryKey: ["sources"] });
        void library.invalidateQueries({ queryKey: INGEST_PROGRESS });
      }),
  );
  return uploads;
}

function Page() {
  const pathname = usePathname();
  const addressed = conversationIn(pathname);
  const inLibrary = isLibrary(pathname);
  // The next conversation has its id before it has a question, so that asking changes no component.
  const [draftId, setDraftId] = useState(randomId);
  const [start, setStart] = useState<(Start & { readonly of: string }) | null>(null);
  const [opened, setOpened] = useState(openedByLink);
  const refresh = useRefreshConversations();
  const library = useQueryClient();
  const uploads = useUploads();
  const sessionId = addressed ?? draftId;
  usePageTitle(pathname);
  usePreloadSourceContent();
  const signIn = useSignIn(addressed === null);
  const startNew = (begin: Start = {}): void => {
    const id = randomId();
    setDraftId(id);
    setStart({ ...begin, of: id });
    navigate(null);
  };
  const onActivity = (): void => {
    // A new conversation gets its address when its first run begins, if it is still on screen.
    if (currentPath() === "/") navigate(draftId, "replace");
    refresh();
    void library.invalidateQueries({ queryKey: INGEST_PROGRESS });
    // An answer, or its failure, says whether the model can be reached.
    void library.invalidateQueries({ queryKey: READINESS });
  };
  const shown = inLibrary ? LIBRARY : sessionId;
  const open = useCallback(
    (place: PlaceInSource) => {
      setOpened({ in: shown, place });
    },
    [shown],
  );
  const close = useCallback(() => {
    setOpened(null);
  }, []);
  // A source belongs to the conversation that cites it.
  const place = opened?.in === shown ? opened.place : null;
  return (
    <AddFilesContext value={uploads.add}>
      <OpenSourceContext value={open}>
        <Layout
          sidebar={(closeSidebar) => <Sidebar shown={addressed ?? shown} onNew={startNew} onDone={closeSidebar} />}
          panel={place === null ? null : <SourcePanel place={place} onClose={close} />}
        >
          <ErrorBoundary key={shown}>
            {inLibrary ? (
              <Suspense fallback={null}>
                <LibraryPage
                  onOpen={open}
                  onFiles={uploads.add}
                  onAskOnly={(filters) => {
                    startNew({ filters });
                  }}
                />
              </Suspense>
            ) : !isKnown(pathname) ? (
              <NotFound />
            ) : (
              <ChatInterface
                sessionId={sessionId}
                isNew={addressed === null}
                start={addressed === null && start?.of === draftId ? start : null}
                renderers={CHAT_RENDERERS}
                onActivity={onActivity}
                onSignIn={signIn.open}
              />
            )}
          </ErrorBoundary>
        </Layout>
        <UploadTray
          uploads={uploads}
          onAsk={(question) => {
            startNew({ question });
          }}
        />
        {signIn.dialog}
      </OpenSourceContext>
    </AddFilesContext>
  );
}
