import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { KinesisVideoClient, KinesisVideoClientConfig } from '@aws-sdk/client-kinesis-video';
import { InvalidOptionError } from '../errors.js';
import { readJsonBody } from './json-body.js';

/** Credentials, or a function that gives them: whatever the AWS SDK takes. */
export type Credentials = NonNullable<KinesisVideoClientConfig['credentials']>;

/** Where and as whom the service is called. */
export interface ClientSettings {
	/** @default AWS_REGION, AWS_DEFAULT_REGION or the profile's; `us-east-1` with a loopback endpoint */
	readonly region?: string | undefined;
	/**
	 * The control endpoint: it returns the data endpoints, which are then used for all media.
	 * @default AWS_ENDPOINT_URL_KINESIS_VIDEO or AWS_ENDPOINT_URL, else the region's own
	 */
	readonly endpoint?: string | undefined;
	/** @default the SDK's chain; made-up ones with a loopback endpoint where none are set */
	readonly credentials?: Credentials | undefined;
	/** A profile of the AWS configuration files. @default AWS_PROFILE, else `default` */
	readonly profile?: string | undefined;
	/**
	 * How long a call may take until its response is there, in milliseconds: of a listing or a data endpoint all of it, of media
	 * its headers. Then it fails with `KVS_UNREACHABLE`, and is made again like any other that does. Retries of the caller's
	 * own clients count as one call. @default 60000
	 */
	readonly responseTimeoutMs?: number | undefined;
}

/** How long to wait for a connection, and for the headers of a response, in milliseconds. */
const CONNECTION_TIMEOUT_MS = 5000;
const REQUEST_TIMEOUT_MS = 30_000;

/** The limiter says how many requests there are at a time; many streams may share a client. */
const AGENT = { maxSockets: Number.POSITIVE_INFINITY };

/** How long to wait for the whole of a response in JSON, which has at most some hundred kilobytes, in milliseconds. */
const DEFAULT_RESPONSE_TIMEOUT_MS = 60_000;

/** The longest a timer can be (Node fires at once past that). */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** The access key for a loopback endpoint where none is set. */
export const MADE_UP_KEY = 'local';

/** Region of a loopback endpoint where none is said: the local archive does not mind. */
const LOOPBACK_REGION = 'us-east-1';

/** The control endpoint: the option's, else the environment's. Checked, and without a trailing slash. */
export function resolveEndpoint(endpoint: string | undefined): string | undefined {
	const { AWS_ENDPOINT_URL_KINESIS_VIDEO, AWS_ENDPOINT_URL } = process.env;
	// A variable that is set to nothing is one that is not set.
	const found = endpoint ?? ((AWS_ENDPOINT_URL_KINESIS_VIDEO ?? AWS_ENDPOINT_URL) || undefined);
	if (found === undefined) return undefined;
	if (typeof found !== 'string' || !isHttpUrl(found))
		throw new InvalidOptionError('endpoint', 'an http or https URL', found);
	return found.replace(/\/+$/, '');
}

/** Whether a text is a URL that can be called. */
export function isHttpUrl(text: string): boolean {
	return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}

/** The time limit of a response. Throws {@link InvalidOptionError} for an invalid one. */
export function resolveResponseTimeoutMs(timeoutMs = DEFAULT_RESPONSE_TIMEOUT_MS): number {
	if (typeof timeoutMs !== 'number' || !(timeoutMs > 0 && timeoutMs <= MAX_TIMER_MS)) {
		const expected = `a number above 0 and at most ${MAX_TIMER_MS}`;
		throw new InvalidOptionError('responseTimeoutMs', expected, timeoutMs);
	}
	return timeoutMs;
}

/** Throws {@link InvalidOptionError}, without their value, for what is neither credentials nor a function that gives them. */
export function checkCredentials(credentials: unknown): void {
	if (credentials === undefined || typeof credentials === 'function') return;
	const { accessKeyId, secretAccessKey } = Object(credentials) as Record<string, unknown>;
	if (typeof accessKeyId === 'string' && typeof secretAccessKey === 'string') return;
	const expected = 'an object with `accessKeyId` and `secretAccessKey`, or a function that gives one';
	throw new InvalidOptionError('credentials', expected);
}

/** Whether an endpoint lies on this machine. */
function isLoopback(endpoint: string): boolean {
	const { hostname } = new URL(endpoint);
	return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

/** The configuration that every client made here shares. Retries are ours: the SDK makes one attempt. */
export function clientConfig(
	settings: ClientSettings,
	controlEndpoint: string | undefined,
): KinesisVideoClientConfig {
	const config: KinesisVideoClientConfig = {
		maxAttempts: 1,
		requestHandler: {
			connectionTimeout: CONNECTION_TIMEOUT_MS,
			requestTimeout: REQUEST_TIMEOUT_MS,
			throwOnRequestTimeout: true,
			httpAgent: AGENT,
			httpsAgent: AGENT,
		},
		streamCollector: readJsonBody,
		...(settings.region && { region: settings.region }),
		...(settings.profile && { profile: settings.profile }),
		...(settings.credentials && { credentials: settings.credentials }),
	};
	if (controlEndpoint === undefined || !isLoopback(controlEndpoint)) return config;
	return {
		...config,
		region: settings.region ?? loopbackRegion(settings.profile),
		credentials: settings.credentials ?? loopbackCredentials(settings.profile),
	};
}

/** Reads the region once: the SDK asks for it several times in every request. */
function loopbackRegion(profile: string | undefined): () => Promise<string> {
	let region: Promise<string> | null = null;
	return () => {
		region ??= configuredRegion(profile);
		return region;
	};
}

async function configuredRegion(profile: string | undefined): Promise<string> {
	const client = await settingsReader(profile === undefined ? {} : { profile });
	try {
		return await client.config.region();
	} catch {
		// No region is configured. That is not an error where the endpoint is on this machine.
		return LOOPBACK_REGION;
	} finally {
		client.destroy();
	}
}

/**
 * The caller's own credentials where any are set up, else made-up ones. The SDK's chain is not asked without need: at its
 * end it looks for an instance role on the network.
 */
function loopbackCredentials(profile: string | undefined): Credentials {
	if (!hasCredentials(profile)) return { accessKeyId: MADE_UP_KEY, secretAccessKey: MADE_UP_KEY };
	return async () => {
		const client = await settingsReader({
			region: LOOPBACK_REGION,
			...(profile !== undefined && { profile }),
		});
		try {
			return await client.config.credentials();
		} finally {
			client.destroy();
		}
	};
}

/** A client that is made to read the SDK's configuration by it. */
async function settingsReader(config: KinesisVideoClientConfig): Promise<KinesisVideoClient> {
	const { KinesisVideoClient } = await import('@aws-sdk/client-kinesis-video');
	return new KinesisVideoClient(config);
}

function hasCredentials(profile: string | undefined): boolean {
	const { env } = process;
	const directory = join(homedir(), '.aws');
	return (
		profile !== undefined ||
		[
			'AWS_ACCESS_KEY_ID',
			'AWS_PROFILE',
			'AWS_WEB_IDENTITY_TOKEN_FILE',
			'AWS_CONTAINER_CREDENTIALS_FULL_URI',
			'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
		].some((name) => env[name] !== undefined) ||
		existsSync(env['AWS_SHARED_CREDENTIALS_FILE'] ?? join(directory, 'credentials'))
	);
}
