/** Types of the element `<tag-suggest>`, its properties and events. */

import type { DetailedHTMLProps, HTMLAttributes } from "react";

export interface Moment {
  start_s: number;
  end_s: number;
  score: number;
}

export interface Suggestion {
  tag: string;
  label: string;
  level: "tag" | "genre";
  score: number;
  heard_at: Moment[];
}

export interface Analysis {
  track_id: string;
  duration_s: number;
  damaged: boolean;
  confidence: "high" | "low" | "unknown";
  suggestions: Suggestion[];
}

/** With `multiple`: the suggestions for all tracks together. */
export interface PooledAnalysis {
  tracks_read: number;
  suggestions: Omit<Suggestion, "heard_at">[];
  tracks: {
    files: number[];
    suggested: Analysis | null;
    problem: { type: string; title: string; detail: string } | null;
  }[];
}

export interface TagSuggestError {
  kind: string;
  phase: string;
  detail: string;
  requestId: string | null;
}

export interface TagSuggestElement extends HTMLElement {
  name: string;
  value: string[];
  readonly trackIds: string[];
  words: Record<string, string | Record<string, string>>;
}

export interface TagSuggestAttributes extends HTMLAttributes<TagSuggestElement> {
  name?: string;
  endpoint?: string;
  vocabulary?: string;
  max?: number;
  threshold?: number;
  multiple?: boolean;
  "token-url"?: string;
  required?: boolean;
  disabled?: boolean;
}

declare global {
  interface HTMLElementEventMap {
    "tag-suggest:suggested": CustomEvent<Analysis | PooledAnalysis>;
    "tag-suggest:changed": CustomEvent<{ tags: string[]; trackIds: string[] }>;
    "tag-suggest:error": CustomEvent<TagSuggestError>;
  }
}

declare module "react" {
  namespace JSX {
    interface IntrinsicElements {
      "tag-suggest": DetailedHTMLProps<TagSuggestAttributes, TagSuggestElement>;
    }
  }
}
