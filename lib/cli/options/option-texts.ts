/** What `--tracks` takes, in help. */
export const TRACKS_TEXT = 'numbers, names, video, audio, with commas (default: all)';

/** What `--where` does, in help. */
export const WHERE_TEXT = 'only fragments that carry this tag; may be given again: all must hold';
