import type { ArchiveClient } from '../aws/archive-client.js';
import { counted } from '../wording/counted.js';
import { type Check, failed, ok, warning } from './check.js';
import { requestTrouble } from './request-trouble.js';

/** What DescribeStream says: that the stream is there and active, and how long it keeps what comes into it. */
export async function checkStream(client: ArchiveClient, signal: AbortSignal): Promise<Check[]> {
	let info: Readonly<Record<string, unknown>>;
	try {
		const response = await client.send('DescribeStream', {}, { signal });
		info = Object(response['StreamInfo']) as Record<string, unknown>;
	} catch (error) {
		signal.throwIfAborted();
		const { cause, message, advice } = requestTrouble(error, 'DescribeStream', client.stream);
		if (cause !== 'permission')
			return [failed(cause === 'stream' ? cause : 'DescribeStream', message, advice)];
		return [warning('DescribeStream', message, `not needed to read; retention is then unknown: ${advice}`)];
	}
	const { Status, DataRetentionInHours: hours } = info;
	const status = typeof Status === 'string' ? Status : 'in an unknown state';
	const name = client.stream;
	const isActive = status === 'ACTIVE' || status === 'UPDATING';
	return [
		isActive
			? ok('stream', `\`${name}\` is ${status}`)
			: failed('stream', `\`${name}\` is ${status}`, 'wait until it is ACTIVE'),
		typeof hours === 'number' ? retentionCheck(hours) : ok('retention', 'DescribeStream did not report it'),
	];
}

function retentionCheck(hours: number): Check {
	if (hours > 0) return ok('retention', `keeps media for ${counted(hours, 'hour')}`);
	return failed(
		'retention',
		'0 hours: nothing is kept, so that there is nothing to list or to read',
		'raise it, for what comes from then on: aws kinesisvideo update-data-retention --operation INCREASE_DATA_RETENTION; until then only follow --live works',
	);
}
