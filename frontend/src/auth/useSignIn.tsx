import { useQueryClient, type QueryClient } from "@tanstack/react-query";
import { lazy, Suspense, useCallback, useEffect, useState, useSyncExternalStore, type ReactNode } from "react";

import { signIn } from "../protocol/signIn.ts";
// Its own chunk: most visits need none.
const SignInDialog = lazy(() => import("./SignInDialog.tsx"));

interface SignInControl {
  /** The dialog, for wherever the page ends. */
  readonly dialog: ReactNode;
  readonly open: () => void;
}

/** Everything on screen, at once: what was refused before does not wait for its next try. */
async function fetchAgain(queries: QueryClient): Promise<void> {
  await queries.cancelQueries({ predicate: ({ state }) => state.data === undefined });
  await queries.invalidateQueries();
}

/**
 * Asks for a sign-in when the server does. By itself only when there is nothing to read: an answer
 * that was cut by the end of a sign-in has a button of its own.
 */
export function useSignIn(isEmpty: boolean): SignInControl {
  const auth = useSyncExternalStore(signIn.subscribe, signIn.get);
  const [isRequested, setRequested] = useState<boolean | null>(null);
  const queries = useQueryClient();
  useEffect(() => signIn.onDone(() => void fetchAgain(queries)), [queries]);
  const close = useCallback(() => {
    setRequested(false);
  }, []);
  const open = useCallback(() => {
    setRequested(true);
  }, []);
  const dialog =
    auth === null ? null : (
      <Suspense fallback={null}>
        <SignInDialog auth={auth} isOpen={isRequested ?? isEmpty} onClose={close} />
      </Suspense>
    );
  return { dialog, open };
}
