import { once } from 'node:events';
import { basename, dirname } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { lockOutput } from '../../files/output-lock.js';
import { openLocalFile } from '../../files/readable-file.js';
import { LATE_FRAGMENT } from '../../list/skip-completed-filter.js';
import type { TimeRange } from '../../model/time-range.js';
import { isAudioContainer } from '../../muxing/container.js';
import { fragmentsOf, manifestPath } from '../export-manifest.js';
import type { ExportRequest } from '../export-request.js';
import { ExportSink, PART_LOST } from '../export-sink.js';
import { ExportJournal } from '../journal/export-journal.js';
import { splitTagOf } from '../split-rule.js';
import { type ExportOptions, type ExportSource, exportRequestOf } from './export-options.js';
import { type ExportSummary, placesOf } from './export-summary.js';
import { finishedExport } from './finished-export.js';

/** Writes a range into files, or goes on with that, or checks that it was done. See {@link KvsArchive.export}. */
export async function exportRange(
	range: TimeRange,
	file: string,
	options: ExportOptions,
	source: ExportSource,
): Promise<ExportSummary> {
	const request = exportRequestOf(range, file, options, source.stream);
	options.signal?.throwIfAborted();
	const lock = await lockOutput(file, [manifestPath(file)]);
	try {
		const done = await finishedExport(file, request, options, source, openLocalFile);
		if (done !== null) {
			// Killed between the manifest and the end.
			await ExportJournal.discard(file);
			return done;
		}
		try {
			return await runExport(file, request, options, source);
		} catch (error) {
			const { code } = error as { code?: unknown };
			if (code !== LATE_FRAGMENT && code !== PART_LOST) throw error;
			// What is written cannot be gone on from: all of it again.
			const discarded = await ExportJournal.discard(file);
			return { ...(await runExport(file, request, options, source)), discarded };
		}
	} finally {
		lock.release();
	}
}

async function runExport(
	file: string,
	request: ExportRequest,
	options: ExportOptions,
	{ events: openEvents }: ExportSource,
): Promise<ExportSummary> {
	// What another function has chosen is of no use.
	const unknown = request.where === 'function' ? await ExportJournal.discard(file) : 0;
	const { journal, past, discarded } = await ExportJournal.open(file, request, options.signal);
	const sink = new ExportSink({
		directory: dirname(file),
		name: basename(file),
		container: request.container,
		channels: request.channels,
		gaps: request.gaps,
		faststart: request.faststart,
		request,
		journal,
		past,
		hasManifest: options.manifest ?? true,
	});
	const how = {
		startAt: isAudioOnly(request) ? ('time' as const) : ('key-frame' as const),
		completeTags: splitTagOf(request.split) !== null,
	};
	const events = past.isOver ? null : openEvents(past, how);
	try {
		await pipeline(events ?? Readable.from([]), sink);
	} catch (error) {
		// A pipeline rejects before its streams are closed; the caller must not find what is being removed.
		for (const stream of [events, sink]) if (stream?.closed === false) await once(stream, 'close');
		options.signal?.throwIfAborted();
		throw error;
	}
	const { gaps, ...totals } = sink.totals;
	const fragments = fragmentsOf(totals);
	const run = (await events?.summary) ?? { calls: 0, throttled: 0, elapsedMs: 0, failures: past.failures };
	const { calls, throttled, elapsedMs, failures } = run;
	const isComplete = totals.failed + totals.missing === 0;
	const counted = { isComplete, fragments, ...totals, gaps, calls, throttled, elapsedMs };
	const before = { resumed: past.known.size, discarded: unknown + discarded };
	const noted = { failures, ...sink.noted };
	return { ...counted, ...noted, ...placesOf(file, sink.files, options), ...before, verified: false };
}

/** Whether a file has no video, whatever the stream has: then it need not begin at a key frame. */
function isAudioOnly({ container, tracks }: ExportRequest): boolean {
	return isAudioContainer(container) || (tracks?.every((track) => track === 'audio') ?? false);
}
