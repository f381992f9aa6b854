import type { ExecutionContext } from 'ava';
import type { ArchiveServerOptions } from '#lib/server/index.js';
import type { ReceivedAck } from '../../helpers/service/producer.js';
import {
	everything,
	type Json,
	type StartedServer,
	startServer,
} from '../../helpers/service/start-server.js';
import { SteppedClock } from '../stepped-clock.js';

/** A server with an empty stream `cam`, whose clock stands still unless the test has its own. */
export async function startWithStream(
	t: ExecutionContext,
	{ retentionHours = 24, ...options }: ArchiveServerOptions = {},
): Promise<StartedServer> {
	// Where time stands still, nothing is idle, however busy the machine.
	const started = await startServer(t, { clock: new SteppedClock(), ...options });
	await started.server.archive.ready;
	if (started.server.archive.stream('cam') === undefined) {
		await started.server.archive.createStream({ name: 'cam', retentionHours });
	}
	return started;
}

/** What ListFragments says of a stream, by fragment number. */
export async function listed({ call }: StartedServer, stream = 'cam'): Promise<Json[]> {
	const fragments: Json[] = [];
	for (let token: string | null = null; ; ) {
		const members = token === null ? { FragmentSelector: everything } : { NextToken: token };
		const { json } = await call('ListFragments', { StreamName: stream, MaxResults: 1000, ...members });
		fragments.push(...json.Fragments);
		token = json.NextToken;
		if (token === null) break;
	}
	return fragments.toSorted((a, b) => (a.FragmentNumber < b.FragmentNumber ? -1 : 1));
}

/** The chunk of a fragment of `cam` as it is served. */
export async function chunkOf({ url }: StartedServer, number: string | undefined): Promise<Buffer> {
	const body = JSON.stringify({ StreamName: 'cam', Fragments: [number] });
	const response = await fetch(`${url}/getMediaForFragmentList`, { method: 'POST', body });
	return Buffer.from(await response.arrayBuffer());
}

/** Acknowledgements in two words each: `RECEIVED 1000`. */
export function eventsOf(acks: readonly ReceivedAck[]): string[] {
	return acks.map(({ EventType, FragmentTimecode }) => `${EventType} ${FragmentTimecode}`);
}

/** Whether an acknowledgement says that the fragment of such a timecode is stored. */
export const isPersisted = (timecode: number) => (ack: ReceivedAck) =>
	ack.EventType === 'PERSISTED' && ack.FragmentTimecode === timecode;
