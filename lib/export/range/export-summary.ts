import { dirname, join } from 'node:path';
import type { RunSummary } from '../../model/run-summary.js';
import { type ExportedFile, type MergedGaps, manifestPath } from '../export-manifest.js';
import type { FragmentNotice } from '../fragment-notice.js';
import type { ExportOptions } from './export-options.js';

/** What became of an export. */
export interface ExportSummary extends RunSummary {
	/** Path of the file that was written; of the first, where there are several. */
	readonly file: string;
	/** The files that were written, in order, and why each was begun; `file` is the path of each. */
	readonly files: readonly ExportedFile[];
	/** Path of the manifest: that of the file that was asked for, with `.json`. Null where none was asked for. */
	readonly manifest: string | null;
	/** Places where fragments do not meet and that are in one file all the same; what became of the time is up to `gaps`. */
	readonly merged: Readonly<MergedGaps>;
	/** Sum of the lengths of the gaps among these, in milliseconds; with `gaps: 'close'` none of it is in the files. */
	readonly mergedGapMs: number;
	/** What is not as it should be in fragments that were written all the same; of more than 1,000 the first ones. */
	readonly notices: readonly FragmentNotice[];
	/** Fragments that an earlier process had done. */
	readonly resumed: number;
	/** Fragments that an earlier process had done and that are of no use: other options or another range, or they have changed. */
	readonly discarded: number;
	/** Whether nothing was done but to check a finished export. */
	readonly verified: boolean;
}

/** Where everything is. */
export function placesOf(
	file: string,
	files: readonly ExportedFile[],
	{ manifest = true }: Pick<ExportOptions, 'manifest'>,
): Pick<ExportSummary, 'file' | 'files' | 'manifest'> {
	const placed = files.map((exported) => ({ ...exported, file: join(dirname(file), exported.file) }));
	return { file: placed[0]?.file ?? file, files: placed, manifest: manifest ? manifestPath(file) : null };
}
