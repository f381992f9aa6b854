import type { ExecutionContext } from 'ava';
import type { FaultRule, LocalStream } from 'kvs-archive/server';
import { clusterOf, header } from '../server/put-media/body.js';
import { startArchive, type TestArchive } from './archive.js';
import { Producer } from './producer.js';

/** A local archive with one stream, `cam`, that a test puts media into. */
export interface GrowingStream extends TestArchive {
	readonly stream: LocalStream;
	/** Puts the fragments of these seconds, and waits until all are stored; their numbers. */
	readonly put: (...seconds: number[]) => Promise<string[]>;
}

/** Starts one, whose stream is empty. */
export async function startGrowing(
	t: ExecutionContext,
	faults: readonly FaultRule[] = [],
): Promise<GrowingStream> {
	const archive = await startArchive(t, {}, { faults });
	await archive.server.archive.ready;
	const stream = await archive.server.archive.createStream({ name: 'cam' });
	const put = async (...seconds: number[]): Promise<string[]> => {
		const producer = await Producer.open(archive.endpoint, { stream: 'cam' });
		const clusters = seconds.map((second) => clusterOf(second * 1000));
		await producer.put(Buffer.concat([header(), ...clusters]));
		return producer.acks.flatMap(({ EventType, FragmentNumber = '' }) =>
			EventType === 'PERSISTED' ? [FragmentNumber] : [],
		);
	};
	return { ...archive, stream, put };
}
