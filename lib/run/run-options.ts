import type { Where } from '../frames/where.js';
import type { OptionNames } from '../model/known-options.js';
import type { Progress } from '../model/progress.js';

/** Options of every run. */
export interface RunOptions {
	/** Ends the run; it then rejects with the signal's reason. */
	readonly signal?: AbortSignal | undefined;
	/** Ends the run with a `FragmentError` at the first fragment that fails. @default false: failures are events */
	readonly strict?: boolean | undefined;
	/**
	 * `archive`: fragments sorted by the range's clock, then by number. `arrival`: in the order in which responses
	 * arrive, and in archive order within each response. @default 'archive'
	 */
	readonly order?: 'archive' | 'arrival' | undefined;
	/** The most media that may be held before it is read, in bytes. @default 128 MiB */
	readonly maxBufferedBytes?: number | undefined;
	/**
	 * Whether the fragment that begins before `from` and runs into the range is read too, and trimmed to where the range
	 * starts: `frames` and `events` then begin at `from`, `export` at the last video key frame at or before it. Fragments
	 * that begin by `to` are whole either way. @default true for `frames` and `export`, false for `events`
	 */
	readonly padStart?: boolean | undefined;
	/**
	 * Fragments with the same producer time, to the millisecond. `keep-all`: all of them, `gap` events of kind `duplicate` in
	 * between. `keep-newest`: the one ingested last; on the server's clock, of those within 5,000 fragments of each other.
	 * @default 'keep-all'
	 */
	readonly duplicates?: 'keep-all' | 'keep-newest' | undefined;
	/**
	 * Only fragments that carry all of these tags, or of which the function says so. A fragment is held until its last tag is
	 * known, up to 50 MB of it; those that are left out are `skipped` in the summary, and no gap. Not with `keep-newest`.
	 * @default all
	 */
	readonly where?: Where | undefined;
	/** Called with the progress of the run: at most twice a second while events are read, and at its end. */
	readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** The names of {@link RunOptions}. */
export const RUN_OPTION_NAMES: OptionNames<RunOptions> = {
	signal: true,
	strict: true,
	order: true,
	maxBufferedBytes: true,
	padStart: true,
	duplicates: true,
	where: true,
	onProgress: true,
};
