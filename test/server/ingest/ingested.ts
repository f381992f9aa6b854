import { MkvReader } from '#lib/demux/mkv-reader.js';
import type { Frame, MediaEvent } from '#lib/model/media-event.js';
import type { IngestSummary } from '#lib/server/index.js';
import { everything, type Json, type StartedServer } from '../../helpers/service/start-server.js';

/** Producer time of the first frame of what is ingested. */
export const START = new Date('2026-01-01T00:00:00.000Z');

/** The same in epoch milliseconds. */
export const startMs = START.getTime();

/** What is served of a file that was ingested. */
export interface Ingested {
	readonly summary: IngestSummary;
	/** The frames of each track, by its number, in order. */
	readonly tracks: ReadonlyMap<number, Frame[]>;
	/** The tags of each fragment, `NAME=VALUE`. */
	readonly tags: readonly (readonly string[])[];
}

/** Ingests a file into a stream of its own and reads back what is served. */
export async function ingest(started: StartedServer, stream: string, file: string): Promise<Ingested> {
	const summary = await started.server.archive.ingest(stream, file, { start: START });
	const selector = { StreamName: stream, FragmentSelector: everything, MaxResults: 1000 };
	const { json } = await started.call('ListFragments', selector);
	const numbers: string[] = json.Fragments.map(({ FragmentNumber }: Json) => FragmentNumber).toSorted();
	const body = JSON.stringify({ StreamName: stream, Fragments: numbers });
	const response = await fetch(`${started.url}/getMediaForFragmentList`, { method: 'POST', body });
	const reader = new MkvReader();
	reader.end(Buffer.from(await response.arrayBuffer()));
	const tracks = new Map<number, Frame[]>();
	const tags: string[][] = [];
	for await (const event of reader as AsyncIterable<MediaEvent>) {
		if (event.type === 'frame') {
			const { number } = event.track;
			tracks.set(number, [...(tracks.get(number) ?? []), event]);
		} else if (event.type === 'fragment-end') {
			tags.push(event.tags.map(({ name, value }) => `${name}=${String(value)}`));
		}
	}
	return { summary, tracks, tags };
}
