import type { ExecutionContext } from 'ava';
import type { ArchiveServerOptions, FaultRule, LocalStream } from 'kvs-archive/server';
import { clusterOf, header, tags } from '../../server/put-media/body.js';
import { startArchive, type TestArchive } from './archive.js';
import { Producer } from './producer.js';

/** A local archive with one stream, `cam`, that a test puts media into. */
export interface GrowingStream extends TestArchive {
	readonly stream: LocalStream;
	/** Puts the fragments of these seconds, and waits until all are stored; their numbers. */
	readonly put: (...seconds: number[]) => Promise<string[]>;
	/** The same with a tag `Call` of that value after each. */
	readonly putCalls: (...fragments: (readonly [second: number, call: string])[]) => Promise<string[]>;
}

/** Starts one, whose stream is empty. */
export async function startGrowing(
	t: ExecutionContext,
	faults: readonly FaultRule[] = [],
	options: Omit<ArchiveServerOptions, 'dataDirectory'> = {},
): Promise<GrowingStream> {
	const archive = await startArchive(t, {}, { faults, ...options });
	await archive.server.archive.ready;
	const stream = await archive.server.archive.createStream({ name: 'cam' });
	const putMedia = async (media: readonly Uint8Array[]): Promise<string[]> => {
		const producer = await Producer.open(archive.endpoint, { stream: 'cam' });
		await producer.put(Buffer.concat([header(), ...media]));
		return producer.acks.flatMap(({ EventType, FragmentNumber = '' }) =>
			EventType === 'PERSISTED' ? [FragmentNumber] : [],
		);
	};
	return {
		...archive,
		stream,
		put: (...seconds) => putMedia(seconds.map((second) => clusterOf(second * 1000))),
		putCalls: (...fragments) =>
			putMedia(fragments.flatMap(([second, call]) => [clusterOf(second * 1000), ...tags(['Call', call])])),
	};
}
