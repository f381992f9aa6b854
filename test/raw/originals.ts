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

/** Every fragment of a stream by the SDK alone, each requested by itself, sorted by producer time and then by number. */
export async function originalsOf(
	t: ExecutionContext,
	endpoint: string,
	stream: string,
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
	for (const fragment of inOrder) {
		const { Payload } = await client.send(
			new GetMediaForFragmentListCommand({ StreamName: stream, Fragments: [numberOf(fragment)] }),
		);
		const bytes = Buffer.from((await Payload?.transformToByteArray()) ?? []);
		originals.push({ listed: fragment, bytes });
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
