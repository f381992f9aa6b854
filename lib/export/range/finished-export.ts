import { dirname } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { SinkError } from '../../errors.js';
import type { OpenFile } from '../../files/readable-file.js';
import { compareFragmentNumbers, type Fragment } from '../../model/fragment.js';
import { MAX_NAMED_FAILURES } from '../../model/run-summary.js';
import type { ExportManifest } from '../export-manifest.js';
import type { ExportRequest } from '../export-request.js';
import { noticesOf } from '../fragment-notice.js';
import { readIntactManifest } from '../read-manifest.js';
import { verifyFiles } from '../verify-export.js';
import type { ExportOptions, ExportSource } from './export-options.js';
import { type ExportSummary, placesOf } from './export-summary.js';

/**
 * The summary of an export that is finished, whole, and still what its manifest says; null where there is none.
 *
 * @param openFile - opens the manifest, and the files beside it
 */
export async function finishedExport(
	file: string,
	request: ExportRequest,
	{ signal, manifest: hasManifest = true }: ExportOptions,
	{ fragments, clock }: ExportSource,
	openFile: OpenFile,
): Promise<ExportSummary | null> {
	if (!hasManifest || request.where === 'function') return null;
	const startMs = clock.now();
	const manifest = await manifestThere(file, openFile);
	if (manifest === null || !isDeepStrictEqual(manifest.request, request)) return null;
	if (manifest.summary.failed + manifest.summary.missing > 0) return null;
	const { damage } = await verifyFiles(dirname(file), manifest, openFile, signal);
	if (damage.length > 0) return null;
	if (await hasGrown(manifest, fragments(signal))) return null;
	const { merged, mergedGapMs, ...totals } = manifest.summary;
	const notices = manifest.fragments.flatMap(noticesOf).slice(0, MAX_NAMED_FAILURES);
	const elapsedMs = clock.now() - startMs;
	const counted = { isComplete: true, ...totals, calls: 0, throttled: 0, elapsedMs };
	const noted = { failures: [], merged, mergedGapMs, notices };
	const places = placesOf(file, manifest.files, { manifest: hasManifest });
	return { ...counted, ...noted, ...places, resumed: 0, discarded: 0, verified: true };
}

/** The manifest that is there; null where there is none, and for a file that is not one: it is replaced by one. */
export async function manifestThere(file: string, openFile: OpenFile): Promise<ExportManifest | null> {
	try {
		return await readIntactManifest(file, openFile);
	} catch (error) {
		if (error instanceof SinkError && error.code === 'KVS_MANIFEST_INVALID') return null;
		throw error;
	}
}

/** Whether fragments are in the archive that the export has not got: what was recorded before may come late. */
async function hasGrown(
	{ request, fragments: exported }: ExportManifest,
	listed: AsyncIterable<Fragment>,
): Promise<boolean> {
	const known = new Set(exported.map(({ fragmentNumber }) => fragmentNumber));
	/** By producer time, where only the newest counts. */
	const newest = new Map<number, string>();
	for await (const { fragmentNumber, producerTimestamp } of listed) {
		if (request.duplicates === 'keep-all') {
			if (!known.has(fragmentNumber)) return true;
			continue;
		}
		const ms = producerTimestamp.getTime();
		const other = newest.get(ms);
		if (other === undefined || compareFragmentNumbers(fragmentNumber, other) > 0)
			newest.set(ms, fragmentNumber);
	}
	return [...newest.values()].some((fragmentNumber) => !known.has(fragmentNumber));
}
