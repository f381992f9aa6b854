import type { ArchiveClient } from '../aws/archive-client.js';
import type { CallOptions } from '../aws/call-record.js';
import { ArchiveError } from '../errors.js';

/** When it was last looked, epoch milliseconds: a stream that is followed in turns is not asked about in each. */
const lookedAtMs = new WeakMap<ArchiveClient, number>();

/** Whether an interval is over since it was last true for this client. */
export function isRetentionDue(client: ArchiveClient, nowMs: number, intervalMs: number): boolean {
	if (nowMs - (lookedAtMs.get(client) ?? Number.NEGATIVE_INFINITY) < intervalMs) return false;
	lookedAtMs.set(client, nowMs);
	return true;
}

/**
 * Looks whether a stream keeps what comes into it. Rejects with `ArchiveError` (`KVS_NO_RETENTION`) where it does not; resolves where it
 * does, and where that cannot be told: a reader need not be allowed to ask (`kinesisvideo:DescribeStream`), nor able to.
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
