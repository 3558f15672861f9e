/** Tells this browser's other tabs that something began in a conversation. */
export interface TabChannel {
  announce(sessionId: string): void;
  subscribe(listener: (sessionId: string) => void): () => void;
}

const CHANNEL = "citestream";

export const browserTabChannel: TabChannel = {
  announce(sessionId) {
    const channel = new BroadcastChannel(CHANNEL);
    channel.postMessage(sessionId);
    channel.close();
  },
  subscribe(listener) {
    const channel = new BroadcastChannel(CHANNEL);
    channel.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (typeof data === "string") listener(data);
    };
    return () => {
      channel.close();
    };
  },
};
