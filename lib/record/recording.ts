import type { ExportedFragment, FileCut } from '../export/export-manifest.js';
import type { OpenedFile, SealedFile } from '../export/export-past.js';
import { type FragmentNotice, noticesOf } from '../export/fragment-notice.js';
import type { FailedFragment } from '../model/run-summary.js';
import type { Container } from '../muxing/container.js';

/** Why a recorder began a new file, besides the reasons of an export: `late`, what came lies before what was written. */
export interface RecordingCut extends Omit<FileCut, 'reason'> {
	readonly reason: FileCut['reason'] | 'late';
}

/** One finished file of a recorder: a line of `recordings.jsonl`. */
export interface Recording {
	/** Name, without its directory. */
	readonly file: string;
	/** When its first frame was recorded and its last one ended, by the producer's clock, ISO 8601. */
	readonly start: string;
	readonly end: string;
	readonly durationMs: number;
	/** Server times of its first and its last fragment, ISO 8601. */
	readonly serverFrom: string | null;
	readonly serverTo: string | null;
	readonly bytes: number;
	/** Of the file, in hexadecimal. */
	readonly sha256: string;
	readonly frames: number;
	/** Why it was begun; null where nothing was open before it. */
	readonly cut: RecordingCut | null;
	/** Numbers of the fragments whose frames it holds, in order. */
	readonly fragments: readonly string[];
	/** Fragments that failed or were missing since the file before it was finished; of some it holds a part. */
	readonly failures: readonly FailedFragment[];
	/** What else is not as it should be in its fragments. */
	readonly notices: readonly FragmentNotice[];
}

/** A recording that is being written. */
export interface OpenRecording {
	/** Its name, unless another file has it by the time it is finished. */
	readonly name: string;
	readonly container: Container;
	/** Producer time of its first frame, epoch milliseconds. */
	readonly startMs: number;
	readonly cut: RecordingCut | null;
	/** Whether it begins before the end of one that was written earlier. */
	readonly isLate: boolean;
	readonly file: OpenedFile;
}

/** Where the list of the recordings in a directory is. */
export const RECORDINGS_FILE = 'recordings.jsonl';

/** What is to be said of a file that is whole. `fragments`: those since the file before. */
export function recordingOf(
	{ startMs, cut }: OpenRecording,
	{ bytes, frames, durationMs }: SealedFile,
	fragments: readonly ExportedFragment[],
	{ file, sha256 }: Pick<Recording, 'file' | 'sha256'>,
): Recording {
	const written = fragments.filter(({ frames: count }) => count > 0);
	return {
		file,
		start: new Date(Math.floor(startMs)).toISOString(),
		end: new Date(Math.ceil(startMs + durationMs)).toISOString(),
		durationMs,
		serverFrom: written[0]?.serverTimestamp ?? null,
		serverTo: written.at(-1)?.serverTimestamp ?? null,
		bytes,
		sha256,
		frames,
		cut,
		fragments: written.flatMap(({ fragmentNumber }) => fragmentNumber ?? []),
		failures: fragments.flatMap(({ fragmentNumber, status, code = null, name = '', message = '' }) =>
			status === 'delivered' ? [] : [{ fragmentNumber, code, name, message }],
		),
		notices: fragments.flatMap(noticesOf),
	};
}
