import { createHash } from 'node:crypto';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { SinkError } from '../errors.js';
import type { GapKind } from '../model/media-event.js';
import type { RunTotals } from '../model/run-start.js';
import { createTrouble } from '../wording/system-trouble.js';
import type { ExportRequest } from './export-request.js';
import type { FileTag } from './split-rule.js';

/** What a manifest begins with. */
export const MANIFEST_FORMAT = 'kvs-archive export 1';

/** The line before those of the fragments. */
export const FRAGMENTS_LINE = '"fragments":[';

/** What is written of a manifest at a time. */
const WRITE_CHARS = 256 * 1024;

/** Part of a file: where it is, and what it is to hold. */
export interface FileSection {
	readonly bytes: number;
	/** Of these bytes, in hexadecimal. */
	readonly sha256: string;
}

/** Why an export went on in a new file. */
export interface FileCut {
	readonly reason: 'codec' | 'gap' | 'duration' | 'size' | 'tag';
	/** The first fragment of the new file. */
	readonly fragmentNumber: string | null;
	/** In words. */
	readonly detail: string;
}

/** One file of an export. */
export interface ExportedFile {
	/** Name, without its directory. */
	readonly file: string;
	readonly bytes: number;
	readonly durationMs: number;
	readonly frames: number;
	/** Why it was begun; null for the first. */
	readonly cut: FileCut | null;
	/** Where the export is split by a tag: what all fragments of the file have of it. Absent elsewhere. */
	readonly tag?: FileTag;
	/** The bytes before the first fragment, and after the last; null where the index was moved to the front. */
	readonly head: FileSection | null;
	readonly tail: FileSection | null;
	/** Of the whole file, where the index was moved to the front; else null, for `head`, `tail` and the fragments cover it. */
	readonly sha256: string | null;
}

/** Where a fragment's bytes are in the files of an export. */
export interface FragmentRange {
	/** Index of the file. */
	readonly file: number;
	readonly offset: number;
	readonly bytes: number;
}

/** What became of one fragment of the range. */
export interface ExportedFragment {
	readonly fragmentNumber: string | null;
	readonly producerTimestamp: string | null;
	readonly serverTimestamp: string | null;
	/**
	 * `failed`: it was cut, and the file holds what arrived, or it had no media. `missing`: it never arrived. `skipped`: it is
	 * not wanted, as the request's `where` says.
	 */
	readonly status: 'delivered' | 'failed' | 'missing' | 'skipped';
	/** Of a failure: the service's number and word for it, and what was said. */
	readonly code?: number | null;
	readonly name?: string;
	readonly message?: string;
	/** What is not as it should be in what was written of it, in words; left out where all is. */
	readonly notices?: readonly string[];
	/** Frames of it in the files. */
	readonly frames: number;
	/** Sum of the sizes of these frames. */
	readonly bytes: number;
	/** Of its bytes in the files, range by range, as they were written first; null where there are none. */
	readonly sha256: string | null;
	/** Empty where the index was moved to the front, which moves everything else. */
	readonly ranges: readonly FragmentRange[];
}

/** Places where fragments do not meet and that are in one file all the same, by their kind. */
export type MergedGaps = Record<GapKind, number>;

/** Counts over all fragments of an export. */
export type ExportTotals = RunTotals;

/** How many fragments were counted in all. */
export function fragmentsOf({
	delivered,
	failed,
	missing,
	skipped,
}: Pick<ExportTotals, 'delivered' | 'failed' | 'missing' | 'skipped'>): number {
	return delivered + failed + missing + skipped;
}

/** The file beside an export that proves what is in it. */
export interface ExportManifest {
	readonly format: typeof MANIFEST_FORMAT;
	readonly request: ExportRequest;
	readonly summary: ExportTotals & {
		readonly fragments: number;
		readonly merged: Readonly<MergedGaps>;
		/** Sum of the lengths of the gaps among these. */
		readonly mergedGapMs: number;
	};
	readonly files: readonly ExportedFile[];
	/** In archive order. */
	readonly fragments: readonly ExportedFragment[];
	/** Of the manifest's own text before it. */
	readonly sha256?: string;
}

/** Where the manifest of an export is. */
export function manifestPath(file: string): string {
	return `${file}.json`;
}

/** Writes a manifest, a fragment (as JSON) a line, and renames it when it is whole. Fails with `SinkError` (`KVS_SINK_FAILED`). */
export async function writeManifest(
	file: string,
	head: Omit<ExportManifest, 'format' | 'fragments' | 'sha256'>,
	fragments: AsyncIterable<string>,
): Promise<void> {
	const path = manifestPath(file);
	const part = `${path}.part`;
	let handle: FileHandle | null = null;
	try {
		await rm(part, { force: true });
		handle = await open(part, 'wx');
		const { request, summary, files } = head;
		const lines = files.map((line) => JSON.stringify(line)).join(',\n');
		let text = `{"format":${JSON.stringify(MANIFEST_FORMAT)},\n"request":${JSON.stringify(request)},\n"summary":${JSON.stringify(summary)},\n"files":[\n${lines}\n],\n${FRAGMENTS_LINE}`;
		const hash = createHash('sha256');
		let separator = '\n';
		for await (const fragment of fragments) {
			text += `${separator}${fragment}`;
			separator = ',\n';
			if (text.length < WRITE_CHARS) continue;
			hash.update(text);
			await handle.appendFile(text);
			text = '';
		}
		text += '\n';
		const sha256 = hash.update(text).digest('hex');
		await handle.appendFile(`${text}],"sha256":"${sha256}"}\n`);
		await handle.sync();
		await handle.close();
		await rename(part, path);
	} catch (error) {
		await handle?.close().catch(() => {});
		await rm(part, { force: true });
		throw new SinkError('KVS_SINK_FAILED', path, `cannot write \`${path}\`: ${createTrouble(error)}`, error);
	}
}
