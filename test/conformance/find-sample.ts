import type { Sample, SampleFragment } from './normalise/placeholders.js';
import { type RawResponse, type Signer, sendSigned } from './signed-request.js';

/** How a request of our own is sent. */
export interface Caller {
	readonly signer: Signer;
	/** Called before every request. */
	readonly pace: () => Promise<void>;
}

/** Fragments that probes name. */
export const SAMPLE_SIZE = 6;

const MINUTE_MS = 60_000;

/** How far back a sample is looked for, in milliseconds, until one is found. */
const REACHES_MS: readonly number[] = [
	10 * MINUTE_MS,
	60 * MINUTE_MS,
	6 * 60 * MINUTE_MS,
	24 * 60 * MINUTE_MS,
];

/** What was stored before then is listed for sure. */
const SETTLED_MS = MINUTE_MS;

/** A JSON call that has to succeed. Rejects with the service's error. */
export async function call<Result>(
	{ signer, pace }: Caller,
	endpoint: string,
	path: string,
	members: object,
): Promise<Result> {
	await pace();
	const response: RawResponse = await sendSigned({
		url: new URL(path, endpoint),
		method: 'POST',
		headers: { 'content-type': 'application/json' },
		body: Buffer.from(JSON.stringify(members)),
		signer,
		isMedia: false,
	});
	if (response.status !== 200) {
		throw new Error(
			`${path} was refused (HTTP ${response.status}): ${response.body.toString().slice(0, 400)}`,
		);
	}
	return JSON.parse(response.body.toString()) as Result;
}

interface Listed {
	readonly FragmentNumber: string;
	readonly ServerTimestamp: number;
	readonly ProducerTimestamp: number;
}

/**
 * Finds six fragments of a stream that follow each other on both clocks, as late as there are. Rejects where the stream has none:
 * its producer's clock must grow, and nothing may be stored twice.
 */
export async function findSample(
	caller: Caller,
	{ control, listing }: { readonly control: string; readonly listing: string },
	stream: string,
): Promise<Omit<Sample, 'scratch'>> {
	const { StreamInfo } = await call<{ StreamInfo: { StreamARN: string; CreationTime: number } }>(
		caller,
		control,
		'/describeStream',
		{ StreamName: stream },
	);
	const untilMs = Date.now() - SETTLED_MS;
	for (const reachMs of [...REACHES_MS, untilMs]) {
		const found = await list(caller, listing, stream, {
			FragmentSelectorType: 'SERVER_TIMESTAMP',
			TimestampRange: { StartTimestamp: (untilMs - reachMs) / 1000, EndTimestamp: untilMs / 1000 },
		});
		const fragments = await firstThatHolds(caller, listing, stream, found);
		if (fragments !== null) return { stream, arn: StreamInfo.StreamARN, fragments };
	}
	throw new Error(
		`expected the stream \`${stream}\` to have ${SAMPLE_SIZE} fragments that follow each other on both clocks, and found none: choose another`,
	);
}

/** Six neighbours that both clocks' ranges list, and nothing else; the last ones. */
async function firstThatHolds(
	caller: Caller,
	listing: string,
	stream: string,
	found: readonly SampleFragment[],
): Promise<readonly SampleFragment[] | null> {
	for (let end = found.length; end >= SAMPLE_SIZE && end > found.length - 20; end -= SAMPLE_SIZE) {
		const fragments = found.slice(end - SAMPLE_SIZE, end);
		const isGrowing = fragments.every(({ serverMs, producerMs }, index) => {
			const before = fragments[index - 1];
			return before === undefined || (serverMs > before.serverMs + 2 && producerMs > before.producerMs + 2);
		});
		if (!isGrowing) continue;
		const [first, last] = [fragments[0], fragments.at(-1)] as [SampleFragment, SampleFragment];
		const ranges = [
			['SERVER_TIMESTAMP', first.serverMs, last.serverMs],
			['PRODUCER_TIMESTAMP', first.producerMs, last.producerMs],
		] as const;
		const counts: number[] = [];
		for (const [FragmentSelectorType, startMs, endMs] of ranges) {
			const TimestampRange = { StartTimestamp: startMs / 1000, EndTimestamp: endMs / 1000 };
			counts.push((await list(caller, listing, stream, { FragmentSelectorType, TimestampRange })).length);
		}
		if (counts.every((count) => count === SAMPLE_SIZE)) return fragments;
	}
	return null;
}

/** The first thousand that a range lists, by number. */
async function list(
	caller: Caller,
	listing: string,
	stream: string,
	selector: object,
): Promise<SampleFragment[]> {
	const { Fragments: fragments } = await call<{ Fragments?: readonly Listed[] }>(
		caller,
		listing,
		'/listFragments',
		{
			StreamName: stream,
			FragmentSelector: selector,
			MaxResults: 1000,
		},
	);
	return (fragments ?? [])
		.map(({ FragmentNumber, ServerTimestamp, ProducerTimestamp }) => ({
			number: FragmentNumber,
			serverMs: Math.round(ServerTimestamp * 1000),
			producerMs: Math.round(ProducerTimestamp * 1000),
		}))
		.toSorted((a, b) => (BigInt(a.number) < BigInt(b.number) ? -1 : 1));
}
