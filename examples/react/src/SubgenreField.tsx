import { useEffect, useRef } from "react";
import type { TagSuggestElement, TagSuggestError } from "./tag-suggest.js";

interface SubgenreFieldProps {
  /** Where Taggram is, as `https://tags.example`. */
  service: string;
  /** Gets the chosen tags whenever they change. */
  onChange: (tags: string[]) => void;
  onError?: (error: TagSuggestError) => void;
}

/** A form field that suggests the subgenres of a track; in a form it is sent as `subgenres`. */
export function SubgenreField({ service, onChange, onError }: SubgenreFieldProps) {
  const element = useRef<TagSuggestElement>(null);

  useEffect(() => {
    // The element's module comes from the service: a bundler must not resolve it.
    void import(/* @vite-ignore */ /* webpackIgnore: true */ `${service}/web/tag-suggest.js`);
  }, [service]);

  useEffect(() => {
    const field = element.current;
    if (!field) return;
    const listening = new AbortController();
    const { signal } = listening;
    field.addEventListener("tag-suggest:changed", (event) => onChange(event.detail.tags), {
      signal,
    });
    field.addEventListener("tag-suggest:error", (event) => onError?.(event.detail), { signal });
    return () => listening.abort();
  }, [onChange, onError]);

  return <tag-suggest ref={element} name="subgenres" max={3} endpoint={service} required />;
}
