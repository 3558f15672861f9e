import { useEffect, useMemo, useRef, useState } from "react";

import { useT } from "../i18n/useLanguage.ts";
import type { Passage, Source } from "../protocol/api.ts";
import { sourceFile } from "../protocol/addresses.ts";
import { cx } from "../ui/cx.ts";
import { clock } from "../ui/format.ts";
import { transcript, type Quote } from "./excerpt.ts";
import { useFollowLine } from "./useFollowLine.ts";
import styles from "./RecordingView.module.css";

interface Props {
  readonly source: Source;
  readonly passages: readonly Passage[];
  readonly quote: Quote;
}

/** The transcript with the quoted lines lit; the recording plays from there when it has sound. */
export function RecordingView({ source, passages, quote }: Props) {
  const t = useT();
  const lines = useMemo(() => transcript(passages, quote), [passages, quote]);
  const from = lines.find((line) => line.isHighlighted)?.startS ?? null;
  const audio = useRef<HTMLAudioElement>(null);
  const scroller = useRef<HTMLOListElement>(null);
  const highlight = useRef<HTMLLIElement>(null);
  const said = useRef<HTMLLIElement>(null);
  const [playing, setPlaying] = useState<number | null>(null);
  const { follow } = useFollowLine(scroller, said, playing);
  useEffect(() => {
    if (from === null) return; // opened for itself: it waits until somebody plays it
    highlight.current?.scrollIntoView({ block: "center" });
    playFrom(audio.current, from);
  }, [from]);
  const onTime = (time: number): void => {
    setPlaying(lines.findLast((line) => line.startS <= time)?.startS ?? null);
  };
  return (
    <div className={styles.recording}>
      {source.audio ? (
        // eslint-disable-next-line jsx-a11y/media-has-caption -- the transcript below is its captions
        <audio
          ref={audio}
          controls
          preload="metadata"
          aria-label={t("sources:panel.player", { title: source.title })}
          src={sourceFile(source.source_id)}
          onTimeUpdate={(event) => {
            onTime(event.currentTarget.currentTime);
          }}
        />
      ) : null}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- focusable, so that the keyboard can scroll it */}
      <ol className={styles.transcript} ref={scroller} tabIndex={0} aria-label={t("sources:panel.transcript")}>
        {lines.map((line) => (
          <li
            key={line.startS}
            ref={(node) => {
              if (line.startS === from) highlight.current = node;
              if (line.startS === playing) said.current = node;
            }}
            className={cx(styles.line, line.startS === playing && styles.playing)}
            aria-current={line.startS === playing ? "true" : undefined}
          >
            <button
              type="button"
              className={styles.time}
              disabled={!source.audio}
              aria-label={t("sources:panel.play", { time: clock(line.startS) })}
              onClick={() => {
                follow();
                playFrom(audio.current, line.startS);
              }}
            >
              {clock(line.startS)}
            </button>
            <span dir="auto">
              {line.speaker === null ? null : <b>{line.speaker} </b>}
              {line.isHighlighted ? <mark>{line.text}</mark> : line.text}
            </span>
          </li>
        ))}
      </ol>
    </div>
  );
}

function playFrom(audio: HTMLAudioElement | null, seconds: number): void {
  if (audio === null) return;
  audio.currentTime = seconds;
  // A browser may refuse to play on its own; the controls are there.
  audio.play().catch(() => undefined);
}
