import { readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { MediaEvent } from 'kvs-archive';
import type { ExportRequest } from '#lib/export/export-request.js';
import { ExportSink } from '#lib/export/export-sink.js';
import { ExportJournal } from '#lib/export/journal/export-journal.js';
import { collect } from '../collect.js';
import { between } from '../media/range.js';
import { startArchive } from '../service/archive.js';
import { openArchive } from '../service/open-archive.js';
import { until } from '../wait.js';

const range = between(0, 400_000_000);

/** All of a stream into one Matroska file. */
export const plainRequest: ExportRequest = {
	stream: 'door',
	from: range.from.toISOString(),
	to: range.to.toISOString(),
	by: 'producer',
	padStart: true,
	duplicates: 'keep-all',
	container: 'mkv',
	tracks: null,
	gaps: 'keep',
	split: [],
	channels: 'stereo',
	faststart: false,
};

/** Everything in a stream, with bytes of its own. */
export async function eventsOf(t: ExecutionContext, media: Uint8Array | string): Promise<MediaEvent[]> {
	const { endpoint } = await startArchive(t, { door: media });
	return collect(openArchive(t, endpoint).events(range));
}

/** A sink that goes on where the export into `file` was stopped, and which fragments it has. */
export async function openSink(
	file: string,
	request: ExportRequest,
): Promise<{ sink: ExportSink; known: ReadonlySet<string>; discarded: number }> {
	const { journal, past, discarded } = await ExportJournal.open(file, request);
	const { container, channels, gaps, faststart } = request;
	const options = { container, channels, gaps, faststart, request, journal, past, hasManifest: true };
	const sink = new ExportSink({ directory: dirname(file), name: basename(file), ...options });
	return { sink, known: past.known, discarded };
}

/** Until so many fragments of the export into `file` are written down: the journal has a line for each, besides the first. */
export async function untilWrittenDown(file: string, count: number): Promise<void> {
	const journal = join(dirname(file), `.${basename(file)}.journal.part`);
	const lines = (): number => readFileSync(journal, 'latin1').split('\n').length;
	await until(
		() => lines() >= count + 2,
		() => `fragment ${count} is not written down: the journal has ${lines()} lines`,
	);
}

/** What is in the files of a directory, in base64, by name. */
export async function contents(directory: string): Promise<Record<string, string>> {
	const names = (await readdir(directory)).sort();
	const files = await Promise.all(names.map((name) => readFile(join(directory, name))));
	return Object.fromEntries(names.map((name, index) => [name, (files[index] as Buffer).toString('base64')]));
}

/** The events that are left when some fragments are known: what a run gives that continues. */
export function without(events: readonly MediaEvent[], known: ReadonlySet<string>): MediaEvent[] {
	let isKnown = false;
	return events.filter((event) => {
		if (event.type === 'gap') return false;
		isKnown = known.has(event.fragmentNumber ?? '');
		return !isKnown;
	});
}
