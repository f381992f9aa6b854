import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { KinesisVideoClient } from '@aws-sdk/client-kinesis-video';
import { type Caller, call, findSample } from './find-sample.js';
import type { ProbedArchive } from './run-probes.js';
import type { Signer } from './signed-request.js';

/** An archive that is ready for probes. */
export interface OpenedArchive extends ProbedArchive {
	/** Hosts that requests go to. */
	readonly hosts: ReadonlySet<string>;
	/** Makes the stream that probes with `--write` change, and waits until it is there. */
	createScratch(): Promise<void>;
	/** Deletes it; nothing where it was not made. */
	deleteScratch(): Promise<void>;
}

/** Between requests to the service, in milliseconds: half of what the strictest quota (5 calls a second) allows. */
const PACE_MS = 400;

/** How often, and how long apart in milliseconds, a stream that was created is looked at. */
const CREATION_CHECKS = 30;
const CREATION_CHECK_MS = 2000;

/** Opens the service itself, with the credentials and region of the environment or the profile. */
export async function openService(stream: string): Promise<OpenedArchive> {
	const client = new KinesisVideoClient({});
	try {
		const { accessKeyId, secretAccessKey, sessionToken } = await client.config.credentials();
		const region = await client.config.region();
		const domain = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
		const signer = { region, accessKeyId, secretAccessKey, sessionToken };
		const pace = (): Promise<void> => sleep(PACE_MS);
		return await open({ signer, pace }, `https://kinesisvideo.${region}.${domain}`, stream);
	} finally {
		client.destroy();
	}
}

/** Opens a local archive at a URL. `stream`: null for the first that it lists. */
export async function openEndpoint(
	endpoint: string,
	stream: string | null,
	signer: Signer,
): Promise<OpenedArchive> {
	const caller: Caller = { signer, pace: async () => {} };
	if (stream !== null) return open(caller, endpoint, stream);
	const { StreamInfoList: list } = await call<{ StreamInfoList: readonly { StreamName: string }[] }>(
		caller,
		endpoint,
		'/listStreams',
		{ MaxResults: 1 },
	);
	const [first] = list;
	if (first === undefined)
		throw new Error(`expected a stream at ${endpoint}, and there is none: say which with --stream`);
	return open(caller, endpoint, first.StreamName);
}

async function open(caller: Caller, control: string, stream: string): Promise<OpenedArchive> {
	const scratch = `kvs-archive-conformance-${randomBytes(4).toString('hex')}`;
	const hosts = new Set([new URL(control).host]);
	let isCreated = false;
	const endpoints = new Map<string, Promise<string>>();
	const endpointOf: OpenedArchive['endpointOf'] = (target) => {
		if (target === 'control') return Promise.resolve(control);
		const known = endpoints.get(target);
		if (known !== undefined) return known;
		const found = call<{ DataEndpoint: string }>(caller, control, '/getDataEndpoint', {
			StreamName: target === 'PUT_MEDIA' && isCreated ? scratch : stream,
			APIName: target,
		}).then(({ DataEndpoint }) => {
			hosts.add(new URL(DataEndpoint).host);
			return DataEndpoint;
		});
		endpoints.set(target, found);
		return found;
	};
	const listing = await endpointOf('LIST_FRAGMENTS');
	const sample = await findSample(caller, { control, listing }, stream);
	return {
		signer: caller.signer,
		sample: { ...sample, scratch },
		hosts,
		endpointOf,
		pace: caller.pace,
		async createScratch() {
			isCreated = true;
			await call(caller, control, '/createStream', { StreamName: scratch, DataRetentionInHours: 1 });
			for (let check = 0; check < CREATION_CHECKS; check++) {
				const { StreamInfo } = await describe(scratch);
				if (StreamInfo.Status === 'ACTIVE') return;
				await sleep(CREATION_CHECK_MS);
			}
			throw new Error(`the stream ${scratch} was created and did not become ACTIVE`);
		},
		async deleteScratch() {
			if (!isCreated) return;
			// The second exists where a request was accepted that should not have been.
			for (const name of [scratch, `${scratch}-2`]) {
				const found = await describe(name).catch((error: Error) => {
					if (!/HTTP 404/.test(error.message)) throw error;
					return null;
				});
				if (found !== null)
					await call(caller, control, '/deleteStream', { StreamARN: found.StreamInfo.StreamARN });
			}
		},
	};

	function describe(name: string): Promise<{ StreamInfo: { Status: string; StreamARN: string } }> {
		return call(caller, control, '/describeStream', { StreamName: name });
	}
}
