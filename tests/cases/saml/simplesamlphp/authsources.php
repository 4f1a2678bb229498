<?php
// The accounts, with everything that assertions say about them.
$aws = 'https://aws.amazon.com/SAML/Attributes/';
$federated = 'arn:aws:iam::111122223333:role/Federated,arn:aws:iam::111122223333:saml-provider/SimpleSAMLphp';
$auditor = 'arn:aws:iam::111122223333:role/Auditor,arn:aws:iam::111122223333:saml-provider/SimpleSAMLphp';
$config = [
    'accounts' => [
        'exampleauth:UserPass',
        "kim:kim's own password" => [
            'uid' => ['kim-at-simplesamlphp'],
            $aws . 'Role' => [$federated, $auditor],
            $aws . 'RoleSessionName' => ['kim'],
            $aws . 'SessionDuration' => ['7200'],
            $aws . 'SourceIdentity' => ['kim@corp.test'],
            $aws . 'PrincipalTag:team' => ['core'],
            $aws . 'PrincipalTag:stage' => ['prod'],
            $aws . 'TransitiveTagKeys' => ['team', 'stage'],
        ],
        "lee:lee's own password" => [
            'uid' => ['lee-at-simplesamlphp'],
            $aws . 'Role' => [$federated],
            $aws . 'RoleSessionName' => ['lee'],
            $aws . 'SessionDuration' => ['7200'],
            $aws . 'SourceIdentity' => ['lee@corp.test'],
            $aws . 'PrincipalTag:team' => ['ops'],
        ],
    ],
];
