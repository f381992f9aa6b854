import type { ArchiveClient } from '../aws/archive-client.js';
import { systemTrouble } from '../wording/system-trouble.js';
import { type Check, failed, ok, warning } from './check.js';
import { requestTrouble } from './request-trouble.js';

/** How long the endpoint may take to say anything. */
const PROBE_TIMEOUT_MS = 10_000;

/** The difference of the clocks from which on requests are refused, and from which on that is near. */
const MAX_SKEW_MS = 300_000;
const LARGE_SKEW_MS = 60_000;

/** The signed call that every reader makes first; it changes nothing. */
const FIRST_CALL = 'GetDataEndpoint';

/** What the checks of the connection found out. */
export interface Connection {
	readonly checks: readonly Check[];
	/** Whether signed requests are accepted; where they are not, nothing more can be requested. */
	readonly isUsable: boolean;
}

/** Credentials, region, endpoint and clock: what must be right before anything can be requested. */
export async function checkConnection(
	client: ArchiveClient,
	{ now, signal }: { readonly now: () => number; readonly signal: AbortSignal },
): Promise<Connection> {
	const { region, endpoint, profile, isMadeUp, keyEnd, error } = await client.identity();
	const found = new Map<string, Check>();
	const note = (check: Check): void => {
		if (found.get(check.check)?.state !== 'failed') found.set(check.check, check);
	};
	const ofProfile = profile === null ? '' : ` (profile \`${profile}\`)`;
	if (error !== null) {
		const { message, advice } = requestTrouble(error, FIRST_CALL, client.stream);
		note(failed('credentials', `${message}${ofProfile}`, advice));
	} else {
		const message = isMadeUp
			? 'none are set; placeholder credentials are used, as the endpoint is on this machine'
			: `found: access key ending in ${keyEnd}${ofProfile}`;
		note(ok('credentials', message));
	}
	note(
		region === ''
			? failed('region', 'no region is set', 'pass --region, or set AWS_REGION')
			: ok('region', region),
	);
	if (endpoint !== null) {
		for (const check of await probe(endpoint, now, signal)) note(check);
	}
	const mayAsk = [...found.values()].every(({ check, state }) => state !== 'failed' || check === 'clock');
	if (mayAsk) {
		try {
			await client.send(FIRST_CALL, { APIName: 'LIST_FRAGMENTS' }, { signal });
			note(ok(FIRST_CALL, 'allowed'));
		} catch (refusal) {
			signal.throwIfAborted();
			const { cause, message, advice } = requestTrouble(refusal, FIRST_CALL, client.stream);
			note(failed(cause === 'permission' || cause === 'other' ? FIRST_CALL : cause, message, advice));
		}
	}
	const isUsable = found.get(FIRST_CALL)?.state === 'ok';
	return { checks: [...found.values()], isUsable };
}

/** Sends the endpoint an unsigned request: whether it responds at all, and what time it is there. */
async function probe(endpoint: string, now: () => number, signal: AbortSignal): Promise<Check[]> {
	const { origin } = new URL(endpoint);
	const sentMs = now();
	let response: Response;
	try {
		response = await fetch(endpoint, {
			method: 'HEAD',
			redirect: 'manual',
			signal: AbortSignal.any([signal, AbortSignal.timeout(PROBE_TIMEOUT_MS)]),
		});
	} catch (error) {
		signal.throwIfAborted();
		const { cause = error } = error as Error;
		const advice = 'check --endpoint or AWS_ENDPOINT_URL, the region, the network, proxies and firewalls';
		return [failed('endpoint', `${origin} does not respond: ${systemTrouble(cause)}`, advice)];
	}
	await response.body?.cancel();
	const reached = ok('endpoint', `${origin} responds`);
	const dateMs = Date.parse(response.headers.get('date') ?? '');
	return Number.isNaN(dateMs) ? [reached] : [reached, clockCheck((sentMs + now()) / 2 - dateMs)];
}

/** `skewMs`: how much this machine's clock is ahead. The header says whole seconds. */
function clockCheck(skewMs: number): Check {
	const apartMs = Math.max(0, Math.abs(skewMs) - 1000);
	const seconds = Math.round(Math.abs(skewMs) / 1000);
	if (apartMs < LARGE_SKEW_MS) return ok('clock', `agrees with the endpoint's to ${Math.max(1, seconds)} s`);
	const message = `this clock is ${seconds} s ${skewMs > 0 ? 'fast' : 'slow'}, compared with the endpoint's`;
	const advice = 'set the clock of this machine by the network (NTP): signatures are good for five minutes';
	return apartMs < MAX_SKEW_MS
		? warning('clock', message, advice)
		: failed('clock', `${message}: requests are refused`, advice);
}
