import { defaultRangeExtractor, useVirtualizer, type Range } from "@tanstack/react-virtual";
import { useCallback, useEffect, useRef, useState, type ReactNode } from "react";

import { useT } from "../i18n/useLanguage.ts";
import type { Conversation } from "../protocol/api.ts";
import type { Row } from "./rows.ts";
import styles from "./ConversationRows.module.css";

interface Props {
  readonly rows: readonly Row[];
  readonly scroller: HTMLElement | null;
  readonly hasMore: boolean;
  readonly onMore: () => void;
  readonly children: (conversation: Conversation) => ReactNode;
}

const ROW_PX = 36;
const SPARE_ROWS = 12;

/**
 * The list, of which only what is near the view is drawn. A row that has the focus stays drawn
 * wherever the reader scrolls, so that the focus is never lost.
 */
export function ConversationRows({ rows, scroller, hasMore, onMore, children }: Props) {
  const t = useT();
  const focused = useRef<number | null>(null);
  const rangeExtractor = useCallback((range: Range): number[] => {
    const shown = defaultRangeExtractor(range);
    const { current } = focused;
    if (current === null || current >= range.count || shown.includes(current)) return shown;
    return [...shown, current].sort((a, b) => a - b);
  }, []);
  // eslint-disable-next-line react-hooks/incompatible-library -- nothing it returns goes to a memoised component
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller,
    estimateSize: () => ROW_PX,
    overscan: SPARE_ROWS,
    rangeExtractor,
    getItemKey: (index) => keyOf(rows[index], index),
  });
  const shown = virtual.getVirtualItems();
  const last = shown.at(-1)?.index ?? 0;
  useEffect(() => {
    if (hasMore && last >= rows.length - SPARE_ROWS) onMore();
  }, [hasMore, last, rows.length, onMore]);
  return (
    <ul className={styles.rows} style={{ height: virtual.getTotalSize() }}>
      {shown.map(({ index, key, start }) => {
        const row = rows[index];
        if (row === undefined) return null;
        return (
          // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- it only notes where the focus is
          <li
            key={key}
            data-index={index}
            ref={virtual.measureElement}
            style={{ transform: `translateY(${start}px)` }}
            onFocus={() => {
              focused.current = index;
            }}
            onBlur={() => {
              focused.current = null;
            }}
          >
            {row.kind === "day" ? <h2>{t(`history:days.${row.day}`)}</h2> : children(row.conversation)}
          </li>
        );
      })}
    </ul>
  );
}

function keyOf(row: Row | undefined, index: number): string | number {
  if (row === undefined) return index;
  return row.kind === "day" ? row.day : row.conversation.session_id;
}

/** `value` once it has stood still for a moment. */
export function useDebounced(value: string, ms: number): string {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => {
      setSettled(value);
    }, ms);
    return () => {
      clearTimeout(timer);
    };
  }, [value, ms]);
  return settled;
}
