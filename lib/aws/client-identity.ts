import { toRequestError } from './aws-errors.js';
import { MADE_UP_KEY } from './client-settings.js';
import type { SdkClients } from './sdk-clients.js';

/** As whom and where calls are made. */
export interface ClientIdentity {
	/** Empty where none is set. */
	readonly region: string;
	/** The control endpoint, which returns the data endpoints; null where not even the region is known. */
	readonly endpoint: string | null;
	/** The AWS profile that credentials are read from; null where none is named. */
	readonly profile: string | null;
	/** Whether the credentials are made up, as they are for an endpoint on this machine where none are set. */
	readonly isMadeUp: boolean;
	/** The last characters of the access key's id, which tell keys apart and give nothing away; null where there are no credentials. */
	readonly keyEnd: string | null;
	/** Why there are no credentials; null where there are. */
	readonly error: Error | null;
}

/** How much of an access key's id is shown. */
const SHOWN_KEY_CHARACTERS = 4;

/** Finds out as whom and where calls are made, without making one; credentials may be fetched from their source. */
export async function readIdentity(
	clients: SdkClients,
	controlEndpoint: string | undefined,
	stream: string,
): Promise<ClientIdentity> {
	const region = await clients.region();
	const domain = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
	const own = region === '' ? null : `https://kinesisvideo.${region}.${domain}`;
	const endpoint = controlEndpoint ?? own;
	const { profile } = clients;
	const where = { region, endpoint, profile: profile ?? null };
	try {
		const { accessKeyId } = await (await clients.control()).config.credentials();
		const isMadeUp = accessKeyId === MADE_UP_KEY;
		return { ...where, isMadeUp, keyEnd: accessKeyId.slice(-SHOWN_KEY_CHARACTERS), error: null };
	} catch (cause) {
		const target = { operation: 'GetDataEndpoint', stream, endpoint: controlEndpoint, profile };
		const error = toRequestError(cause, target);
		return { ...where, isMadeUp: false, keyEnd: null, error };
	}
}
