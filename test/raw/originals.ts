import {
	type Fragment,
	GetMediaForFragmentListCommand,
	KinesisVideoArchivedMediaClient,
	paginateListFragments,
} from '@aws-sdk/client-kinesis-video-archived-media';
import type { ExecutionContext } from 'ava';

/** A fragment as the SDK lists it, and its bytes as the SDK gets them. */
export interface Original {
	readonly listed: Fragment;
	readonly bytes: Buffer;
}

/**
 * Every fragment of a stream by the SDK alone, sorted by producer time and then by number. Each is requested by itself, or several
 * at once: then the first of them has the bytes of all.
 */
export async function originalsOf(
	t: ExecutionContext,
	endpoint: string,
	stream: string,
	atOnce = 1,
): Promise<readonly Original[]> {
	const client = new KinesisVideoArchivedMediaClient({
		region: 'us-east-1',
		endpoint,
		credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
	});
	t.teardown(() => client.destroy());
	const TimestampRange = { StartTimestamp: new Date(0), EndTimestamp: new Date(8.64e15 / 2) };
	const pages = paginateListFragments(
		{ client },
		{ StreamName: stream, FragmentSelector: { FragmentSelectorType: 'PRODUCER_TIMESTAMP', TimestampRange } },
	);
	const listed: Fragment[] = [];
	for await (const { Fragments = [] } of pages) listed.push(...Fragments);
	const inOrder = listed.toSorted(
		(one, other) => timeOf(one) - timeOf(other) || (numberOf(one) < numberOf(other) ? -1 : 1),
	);
	const originals: Original[] = [];
	for (let at = 0; at < inOrder.length; at += atOnce) {
		const together = inOrder.slice(at, at + atOnce);
		const { Payload } = await client.send(
			new GetMediaForFragmentListCommand({ StreamName: stream, Fragments: together.map(numberOf) }),
		);
		const bytes = Buffer.from((await Payload?.transformToByteArray()) ?? []);
		const none = Buffer.alloc(0);
		originals.push(...together.map((listed, index) => ({ listed, bytes: index === 0 ? bytes : none })));
	}
	return originals;
}

/** Number of a fragment. */
export function numberOf({ FragmentNumber }: Fragment): string {
	return FragmentNumber ?? '';
}

function timeOf({ ProducerTimestamp }: Fragment): number {
	return ProducerTimestamp?.getTime() ?? 0;
}
