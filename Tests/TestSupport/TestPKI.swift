import Foundation

/// A root, an intermediate authority and a certificate for every way in which one can be right or wrong, with
/// revocation lists; made once in each test process. `TestCertificates` is the simple set, this is the thorough one.
package struct TestPKI: Sendable {
  /// The folder that holds everything.
  package let folder: TemporaryFolder

  /// The trusted root.
  package var root: String { file("root.crt") }
  /// The authority below it, which issues everything.
  package var intermediate: String { file("int.crt") }
  /// A root that has nothing to do with the other.
  package var otherRoot: String { file("other.crt") }
  /// Not a secret: it opens nothing but throw-away keys.
  package let passphrase = "correct horse"

  /// A file of the set.
  package func file(_ name: String) -> String { folder.file(name) }

  /// Certificate (leaf and intermediate) and key by name.
  package func pair(_ name: String) -> TestCertificates.Pair {
    TestCertificates.Pair(certificate: file(name + ".crt"), key: file(name + ".key"))
  }

  /// The leaf alone and its key, as a server with an incomplete chain shows it.
  package func pairWithoutChain(_ name: String) -> TestCertificates.Pair {
    TestCertificates.Pair(certificate: file(name + ".leaf"), key: file(name + ".key"))
  }

  /// The set that the tests of this process share.
  package static func shared() throws -> TestPKI { try sharedSet.get() }

  private static let sharedSet = Result { try TestPKI() }

  private init() throws {
    folder = try TemporaryFolder("sallyport-pki")
    let script = try folder.write("make", Self.script)
    try PeerProcess.run("/bin/bash", [script, passphrase], folder: folder.path)
  }

  private static let script = #"""
    set -euo pipefail
    exec 2>make.log
    trap 'cat make.log' ERR
    key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1.key"; }
    for ca in root int other; do
      : >$ca.index; echo 1000 >$ca.serial; echo 1000 >$ca.crlnumber
      printf '%s\n' '[ca]' 'default_ca=d' '[d]' "database=$ca.index" "serial=$ca.serial" "crlnumber=$ca.crlnumber" \
        'default_md=sha256' 'policy=p' 'unique_subject=no' 'new_certs_dir=.' 'default_crl_days=30' \
        "certificate=$ca.crt" "private_key=$ca.key" '[p]' 'commonName=supplied' >$ca.cnf
    done
    for ca in root other; do
      openssl ecparam -name secp384r1 -genkey -noout -out $ca.key
      openssl req -x509 -new -key $ca.key -days 30 -subj "/CN=Test $ca" -out $ca.crt \
        -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign
    done
    # Issues: name, authority, common name, extensions, further arguments of `openssl ca`.
    issue() {
      local name=$1 ca=$2 subject=$3 extensions=$4; shift 4
      [ -f "$name.key" ] || key "$name"
      openssl req -new -key "$name.key" -subj "/CN=$subject" -out "$name.csr"
      printf '%b\n' "$extensions" >"$name.ext"
      local dates=(-startdate 20250101000000Z -enddate 20490101000000Z)
      [ $# -eq 0 ] || dates=("$@")
      openssl ca -batch -notext -config $ca.cnf -in "$name.csr" -out "$name.leaf" -extfile "$name.ext" "${dates[@]}"
      cp "$name.leaf" "$name.crt"
      [ $ca != int ] || cat int.crt >>"$name.crt"
    }
    leaf='basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage='
    issue int root 'Test intermediate' 'basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign'
    both='DNS:localhost,DNS:scheduler.test,IP:127.0.0.1,IP:::1'
    issue good int localhost "${leaf}serverAuth\nsubjectAltName=$both"
    issue expired int localhost "${leaf}serverAuth\nsubjectAltName=$both" -startdate 20200101000000Z -enddate 20200201000000Z
    issue future int localhost "${leaf}serverAuth\nsubjectAltName=$both" -startdate 20480101000000Z -enddate 20490101000000Z
    issue wrong int localhost "${leaf}serverAuth\nsubjectAltName=DNS:wrong.example"
    issue cnonly int localhost "${leaf}serverAuth"
    issue wildcard int localhost "${leaf}serverAuth\nsubjectAltName=DNS:*.scheduler.test"
    issue digits int localhost "${leaf}serverAuth\nsubjectAltName=DNS:127.0.0.1"
    many=$(seq -f 'DNS:n%g.example' -s, 300)
    issue manynames int localhost "${leaf}serverAuth\nsubjectAltName=$many"
    issue clientonly int localhost "${leaf}clientAuth\nsubjectAltName=$both"
    issue revoked int localhost "${leaf}serverAuth\nsubjectAltName=$both"
    issue workload int frontend "${leaf}serverAuth\nsubjectAltName=URI:spiffe://prod.example/temporal/frontend"
    issue twouris int frontend "${leaf}serverAuth\nsubjectAltName=URI:spiffe://prod.example/temporal/frontend,URI:spiffe://prod.example/other"
    openssl genrsa -out weak.key 1024
    issue weak int localhost "${leaf}serverAuth\nsubjectAltName=$both"
    openssl genpkey -algorithm ed25519 -out edwards.key
    issue edwards int localhost "${leaf}serverAuth\nsubjectAltName=$both"
    openssl genrsa -out rsa.key 2048
    issue rsa int localhost "${leaf}serverAuth\nsubjectAltName=$both"
    issue stranger other localhost "${leaf}serverAuth\nsubjectAltName=$both"
    key self
    openssl req -x509 -new -key self.key -days 30 -subj /CN=localhost -addext "subjectAltName=$both" -out self.crt
    # Clients.
    issue client int sallyport-worker "${leaf}clientAuth"
    issue lateclient int sallyport-late "${leaf}clientAuth" -startdate 20200101000000Z -enddate 20200201000000Z
    issue earlyclient int sallyport-early "${leaf}clientAuth" -startdate 20480101000000Z -enddate 20490101000000Z
    issue foreignclient other sallyport-foreign "${leaf}clientAuth"
    issue authority root sallyport-authority 'basicConstraints=critical,CA:TRUE\nextendedKeyUsage=clientAuth'
    openssl genrsa -out rsaclient.key 2048
    issue rsaclient int sallyport-rsa "${leaf}clientAuth"
    # The authorities of servers in one bundle, for peers that check clients.
    cat root.crt int.crt >bundle.crt
    cat good.crt good.key >good.pem
    # Lists: none revoked, then one; one that is stale.
    openssl ca -gencrl -config root.cnf -out root.crl
    openssl ca -gencrl -config int.cnf -out int-clean.crl
    openssl ca -gencrl -config int.cnf -crl_lastupdate 20200101000000Z -crl_nextupdate 20200201000000Z -out int-stale.crl
    openssl ca -config int.cnf -revoke revoked.leaf
    openssl ca -gencrl -config int.cnf -out int.crl
    openssl ca -gencrl -config int.cnf -crl_lastupdate 20200101000000Z -crl_nextupdate 20200201000000Z -out int-stale-revoking.crl
    cat root.crl int-clean.crl >clean.crl
    cat root.crl int.crl >all.crl
    cat root.crl int-stale.crl >stale.crl
    cat root.crl int-stale-revoking.crl >stale-revoking.crl
    # The forms of keys.
    pass="pass:$1"
    openssl pkcs8 -topk8 -nocrypt -in client.key -out key.pkcs8
    cp client.key key.sec1
    openssl ec -in client.key -param_enc named_curve -out key.ec
    { openssl ecparam -name prime256v1; cat key.sec1; } >key.parameters
    openssl rsa -in rsaclient.key -traditional -out key.pkcs1
    openssl pkcs8 -topk8 -v2 aes-256-cbc -iter 2000 -in client.key -out key.pbes2 -passout "$pass"
    openssl pkcs8 -topk8 -v2 aes-256-cbc -scrypt -scrypt_N 1024 -in client.key -out key.scrypt -passout "$pass"
    openssl pkcs8 -topk8 -v1 PBE-SHA1-3DES -in client.key -out key.3des -passout "$pass"
    openssl pkcs8 -topk8 -v1 PBE-SHA1-RC4-128 -provider legacy -provider default -in client.key -out key.rc4 -passout "$pass"
    openssl ec -aes256 -in client.key -out key.traditional -passout "$pass"
    openssl pkey -in client.key -outform der -out key.der
    openssl x509 -in client.leaf -outform der -out client.der
    openssl pkcs12 -export -inkey client.key -in client.crt -out client.p12 -passout "$pass"
    openssl pkcs12 -export -inkey client.key -in client.crt -out client-open.p12 -passout pass:
    openssl pkcs12 -export -legacy -inkey client.key -in client.crt -out client-legacy.p12 -passout "$pass"
    openssl pkcs12 -export -nokeys -in client.crt -out client-nokey.p12 -passout "$pass"
    chmod a+r ./*
    """#
}
