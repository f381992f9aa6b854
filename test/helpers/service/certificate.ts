import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../tools.js';

/** A certificate of a test's own, for 127.0.0.1 and localhost, and the files it is in. */
export interface Certificate {
	readonly certFile: string;
	readonly keyFile: string;
	readonly cert: Buffer;
	readonly key: Buffer;
}

/** Makes one with openssl, in a directory. It is its own root. */
export async function makeCertificate(directory: string, name = 'server'): Promise<Certificate> {
	const certFile = join(directory, `${name}.pem`);
	const keyFile = join(directory, `${name}.key`);
	const request =
		'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost';
	const names = ['-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'];
	const files = ['-keyout', keyFile, '-out', certFile];
	const { code, stderr } = await run('openssl', [...request.split(' '), ...names, ...files]);
	if (code !== 0) throw new Error(`openssl failed: ${stderr}`);
	return { certFile, keyFile, cert: await readFile(certFile), key: await readFile(keyFile) };
}
