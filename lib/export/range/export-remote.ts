import { basename, join } from 'node:path';
import type { RemoteFolder, RemotePlace } from '../../files/remote-place.js';
import { writeStaged } from '../../files/staging.js';
import type { TimeRange } from '../../model/time-range.js';
import { manifestPath } from '../export-manifest.js';
import { type ExportOptions, type ExportSource, exportRequestOf } from './export-options.js';
import { exportRange } from './export-range.js';
import type { ExportSummary } from './export-summary.js';
import { finishedExport, manifestThere } from './finished-export.js';

/**
 * The same into a place that is not on the local disk: the files are made in its staging directory, with all that goes on after a
 * stop, and put there when they are whole, the manifest last. What is staged is removed then.
 */
export async function exportRemote(
	range: TimeRange,
	place: RemotePlace,
	options: ExportOptions,
	source: ExportSource,
): Promise<ExportSummary> {
	const { signal } = options;
	const request = exportRequestOf(range, place.fileName, options, source.stream);
	signal?.throwIfAborted();
	return writeStaged(place, signal, async (folder) => {
		const openFile = (name: string): ReturnType<RemoteFolder['get']> => folder.get(name, signal);
		const done = await finishedExport(place.fileName, request, options, source, openFile);
		return inPlace(done ?? (await exportAndPut(range, place.fileName, folder, options, source)), folder);
	});
}

async function exportAndPut(
	range: TimeRange,
	name: string,
	folder: RemoteFolder,
	options: ExportOptions,
	source: ExportSource,
): Promise<ExportSummary> {
	const { signal } = options;
	const summary = await exportRange(range, join(folder.stagingDirectory, name), options, source);
	for (const { file } of summary.files) await folder.put(basename(file), file, signal);
	if (summary.manifest !== null) await folder.put(basename(summary.manifest), summary.manifest, signal);
	// A file that is not one of our manifests belongs to the user.
	else if ((await manifestThere(name, (there) => folder.get(there, signal))) !== null) {
		await folder.remove(manifestPath(name), signal);
	}
	// It was made before, but is put there only now.
	return summary.verified ? { ...summary, verified: false, resumed: summary.fragments } : summary;
}

/** The summary with the places that the files have at last. */
function inPlace(summary: ExportSummary, { url }: RemoteFolder): ExportSummary {
	const placed = (file: string): string => `${url}${basename(file)}`;
	return {
		...summary,
		file: placed(summary.file),
		files: summary.files.map((exported) => ({ ...exported, file: placed(exported.file) })),
		manifest: summary.manifest === null ? null : placed(summary.manifest),
	};
}
