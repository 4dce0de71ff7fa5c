/** An authority of the test's own and what it has signed. */

function openssl(directory: string, ...args: string[]): void {
  const { success, stderr } = new Deno.Command("openssl", { args, cwd: directory }).outputSync();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}

/** ca.pem, and cert.pem with key.pem for 127.0.0.1 and mail.example.com, signed by it. */
export function makeCertificates(directory: string): void {
  // OpenSMTPD of Debian keeps keys in a process of its own, which knows RSA only.
  const key = ["-newkey", "rsa:2048", "-nodes"];
  const authority = ["-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=test authority", "-days", "30"];
  openssl(directory, "req", "-x509", ...key, ...authority);
  openssl(directory, "req", ...key, "-keyout", "key.pem", "-out", "csr.pem", "-subj", "/CN=mail.example.com");
  const names = "basicConstraints=CA:FALSE\nsubjectAltName=DNS:mail.example.com,IP:127.0.0.1\n";
  Deno.writeTextFileSync(`${directory}/extensions`, names);
  const signed = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "30"];
  openssl(
    directory,
    "x509",
    "-req",
    "-in",
    "csr.pem",
    ...signed,
    "-extfile",
    "extensions",
    "-out",
    "cert.pem",
  );
}
