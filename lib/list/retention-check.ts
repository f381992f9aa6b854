import type { ArchiveClient } from '../aws/archive-client.js';
import type { CallOptions } from '../aws/call-record.js';
import { ArchiveError } from '../errors.js';

/** Between two looks at a stream that is followed in turns, in milliseconds. */
const TURN_INTERVAL_MS = 10 * 60_000;

/** When it was last looked in a turn, epoch milliseconds. */
const lookedAtMs = new WeakMap<ArchiveClient, number>();

/** Does what {@link checkRetention} does, in the first turn of a client and not again for ten minutes: it costs a call of a small quota. */
export async function checkRetentionInTurn(
	client: ArchiveClient,
	nowMs: number,
	options: CallOptions,
): Promise<void> {
	if (nowMs - (lookedAtMs.get(client) ?? Number.NEGATIVE_INFINITY) < TURN_INTERVAL_MS) return;
	lookedAtMs.set(client, nowMs);
	await checkRetention(client, options);
}

/**
 * Looks whether a stream keeps what comes into it. Rejects with `ArchiveError` (`KVS_NO_RETENTION`) where it does not; resolves where it
 * does, and where that cannot be known: a reader need not be allowed to ask (`kinesisvideo:DescribeStream`), nor able to.
 */
export async function checkRetention(client: ArchiveClient, options: CallOptions): Promise<void> {
	let response: Readonly<Record<string, unknown>>;
	try {
		response = await client.send('DescribeStream', {}, options);
	} catch {
		return;
	}
	const { DataRetentionInHours } = Object(response['StreamInfo']) as { DataRetentionInHours?: unknown };
	if (DataRetentionInHours !== 0) return;
	throw new ArchiveError(
		'KVS_NO_RETENTION',
		`stream \`${client.stream}\` keeps nothing: its data retention is 0 hours, so that nothing of it is listed; raise it (UpdateDataRetention), and follow again`,
	);
}
